"""The administrator's forms for accounts."""

from __future__ import annotations

from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.forms import ChoiceField

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.optimistic_lock import AsSeen

NO_ROLE = ("", "Choose a role")


class NewAccountForm(AdminUserCreationForm[User]):
    """Asks for the role first: nobody gets one by forgetting to choose."""

    role = ChoiceField(choices=[NO_ROLE, *Role.choices])

    class Meta(AdminUserCreationForm.Meta):
        """The fields besides the password."""

        model = User
        fields = ("username", "email", "role")


class AccountForm(AsSeen[User], UserChangeForm[User]):
    """Changes an account, if it is still as the form showed it."""
