"""MLflow's own pages, below one folder."""

from django.urls import path

from apps.gateway.pages import views

app_name = "mlflow"
urlpatterns = [
    path("mlflow/", views.home, name="home"),
    path("mlflow/<path:path>", views.part, name="part"),
]
