"""The pages about notifications and outgoing webhooks."""

from django.urls import path

from apps.notifications import pages, webhook_pages

app_name = "notifications"
urlpatterns = [
    path("notifications/", pages.notification_list, name="notification-list"),
    path("notifications/preferences/", pages.preferences_page, name="preferences"),
    path("notifications/webhooks/", webhook_pages.webhook_list, name="webhook-list"),
    path("notifications/webhooks/new/", webhook_pages.webhook_new, name="webhook-new"),
    path("notifications/webhooks/<int:endpoint>/", webhook_pages.webhook_detail, name="webhook-detail"),
]
