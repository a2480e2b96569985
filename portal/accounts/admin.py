"""The administrator's pages for accounts of every role."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.forms import ChoiceField, ModelForm
from django.http import HttpRequest

from portal.accounts.access import account
from portal.accounts.admin_forms import NO_ROLE, AccountForm, NewAccountForm
from portal.accounts.models import User
from portal.accounts.powers import may_touch, roles_to_give, touchable
from portal.accounts.roles import Role
from portal.optimistic_lock import SeenAdmin

# What makes an account mightier than its role: only superusers hand it out.
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
        """Return the fields that keep staff from giving themselves, or others, more power."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _may_everything(request) else (*fields, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the account's powers are no more than the visitor's."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the account's powers are no more than the visitor's."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[User]]:
        """Return a form that offers only roles that the visitor may give."""
        form: type[ModelForm[User]] = super().get_form(request, obj, change=change, **kwargs)
        role = form.base_fields.get("role")
        if isinstance(role, ChoiceField):
            offered = deepcopy(role)  # the field that the form declares is everybody's
            given = {"", *roles_to_give(account(request))}
            offered.choices = [each for each in Role.choices if each[0] in given]
            if obj is None:
                offered.choices = [NO_ROLE, *offered.choices]
            form.base_fields["role"] = offered
        return form

    def _set_active(self, request: HttpRequest, accounts: Any, *, active: bool) -> None:
        accounts = touchable(account(request), accounts)
        number = accounts.exclude(pk=request.user.pk).update(is_active=active)
        self.message_user(request, f"{number} accounts changed.")


def _may_everything(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def _may_touch(request: HttpRequest, whose: User | None) -> bool:
    return whose is None or (isinstance(request.user, User) and may_touch(request.user, whose))


admin.site.unregister(Group)


@admin.register(Group)
class PowersAdmin(GroupAdmin):
    """Groups, which give permissions: only superusers may change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor is a superuser."""
        return _may_everything(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor is a superuser."""
        return _may_everything(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor is a superuser."""
        return _may_everything(request)
