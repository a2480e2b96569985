"""How an administrator keeps the accounts of every role."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from portal.accounts.admin_forms import AccountForm, NewAccountForm
from portal.accounts.models import User
from portal.seen import SeenAdmin

# What makes an account mightier than its role: only who may do everything hands it out.
_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class AccountAdmin(SeenAdmin[User], UserAdmin[User]):
    """Accounts, found and filtered by role."""

    form = AccountForm
    add_form = NewAccountForm
    list_display = ("username", "role", "email", "is_active", "is_staff", "date_joined")
    list_filter = ("role", "is_active", "is_staff", "date_joined")
    search_fields = ("username", "email", "first_name", "last_name", "role")
    ordering = ("username",)
    actions = ("activate", "deactivate")
    fieldsets = (
        (None, {"fields": ("username", "password", "role")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What it may do", {"fields": ("is_active", *_POWERS)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    *("username", "email", "role"),
                    *("usable_password", "password1", "password2"),
                ),
            },
        ),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.action(description="Let the selected accounts log in", permissions=["change"])
    def activate(self, request: HttpRequest, accounts: Any) -> None:
        """Open accounts again."""
        self._set_active(request, accounts, active=True)

    @admin.action(description="Lock the selected accounts out", permissions=["change"])
    def deactivate(self, request: HttpRequest, accounts: Any) -> None:
        """Close accounts; what they wrote stays."""
        self._set_active(request, accounts, active=False)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Keep staff from making themselves, or others, mightier than they are."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _may_everything(request) else (*fields, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Keep staff from the accounts of those who may do everything."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Keep staff from the accounts of those who may do everything."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def _set_active(self, request: HttpRequest, accounts: Any, *, active: bool) -> None:
        if not _may_everything(request):
            accounts = accounts.filter(is_superuser=False)
        number = accounts.exclude(pk=request.user.pk).update(is_active=active)
        self.message_user(request, f"{number} accounts changed.")


def _may_everything(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    return account is None or not account.is_superuser or _may_everything(request)
