"""What was told to whom, where it is delivered, and how far the trail was read."""

from apps.notifications.models.notification import Kind as Kind
from apps.notifications.models.notification import Notification as Notification
from apps.notifications.models.outbox import OutboxCursor as OutboxCursor
from apps.notifications.models.preferences import MailChoice as MailChoice
from apps.notifications.models.preferences import Preferences as Preferences
from apps.notifications.models.webhooks import SENT_AGAIN as SENT_AGAIN
from apps.notifications.models.webhooks import Delivery as Delivery
from apps.notifications.models.webhooks import DeliveryState as DeliveryState
from apps.notifications.models.webhooks import Endpoint as Endpoint
