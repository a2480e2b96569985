"""The administrator's form for a new account."""

from __future__ import annotations

from django.contrib.auth.forms import AdminUserCreationForm
from django.forms import ChoiceField

from portal.accounts.models import User
from portal.accounts.roles import Role


class NewAccountForm(AdminUserCreationForm[User]):
    """Asks for the role first of all: nobody gets one by forgetting to choose."""

    role = ChoiceField(choices=[("", "Choose a role"), *Role.choices])

    class Meta(AdminUserCreationForm.Meta):
        """What is asked for besides the password."""

        model = User
        fields = ("username", "email", "role")
