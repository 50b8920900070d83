from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
class TokenAuthentication(BaseAuthentication): pass
class TokenScopeAllows(BasePermission): pass
