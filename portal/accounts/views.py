"""Registration, login, passwords, and the redirect to one's own dashboard."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordResetForm
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import FormView

from portal.accounts import visitor
from portal.accounts.access import account
from portal.accounts.allowances import take
from portal.accounts.forms import (
    ChangeForm,
    ChoiceForm,
    LoginForm,
    RegistrationForm,
    ResetForm,
    mailbox,
)

_BY_PASSWORD: Final = "django.contrib.auth.backends.ModelBackend"


@login_required
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect everybody to the dashboard of their role."""
    return redirect(account(request).dashboard)


class Login(auth.LoginView):
    """Log in; then redirect to `next`, if it is an address of this site, or to the dashboard."""

    redirect_authenticated_user = True
    authentication_form = LoginForm

    def get_default_redirect_url(self) -> str:
        """Return the dashboard of the account that logs in."""
        return reverse(account(self.request).dashboard)


class Registration(FormView[RegistrationForm]):
    """Become a customer, and be logged in."""

    template_name = "accounts/register.html"
    form_class = RegistrationForm

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        """Create the account; somebody may have taken the name since it was checked."""
        now, address = timezone.now(), visitor.address(self.request)
        if again := take("register", address, per_hour=settings.REGISTRATIONS_PER_HOUR, now=now):
            return _too_often(self.request, "register", again, now)
        try:
            made = form.save()
        except IntegrityError:
            form.refuse_username()
            return self.form_invalid(form)
        login(self.request, made, backend=_BY_PASSWORD)
        messages.success(self.request, f"Welcome, {made.username}! You are logged in.")
        return redirect(made.dashboard)


class PasswordChange(auth.PasswordChangeView):
    """Choose another password, knowing the one that is held."""

    form_class = ChangeForm


class PasswordChoice(auth.PasswordResetConfirmView):
    """Choose a password, by the link of a mail."""

    form_class = ChoiceForm


class PasswordReset(auth.PasswordResetView):
    """Request a mail with a link; the answer does not reveal whether there is such an account."""

    form_class = ResetForm

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        """Send the mail, unless this visitor, or anybody for this mailbox, has asked too often."""
        now, address = timezone.now(), visitor.address(self.request)
        again = take("reset", address, per_hour=settings.RESETS_PER_HOUR, now=now) or take(
            "reset mail", mailbox(form), per_hour=settings.RESET_MAILS_PER_HOUR, now=now
        )
        if again:
            return _too_often(self.request, "password_reset", again, now)
        return super().form_valid(form)


def locked(
    request: HttpRequest, _: HttpResponse | None = None, credentials: dict[str, str] | None = None
) -> HttpResponse:
    """Refuse a login under a name that was guessed at, and say until when; for axes."""
    last = (
        AccessAttempt.objects.filter(
            username=visitor.username(request, credentials), ip_address=visitor.address(request)
        )
        .order_by("-attempt_time")
        .first()
    )
    now = timezone.now()
    until = (last.attempt_time if last else now) + settings.AXES_COOLOFF_TIME
    seconds = max(1, math.ceil((until - now).total_seconds()))
    seen = {
        "until": until,
        "minutes": math.ceil(seconds / 60),
        "another_day": until.date() != now.date(),
    }
    answer = render(request, "registration/locked.html", seen, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _too_often(request: HttpRequest, page: str, again: datetime, now: datetime) -> HttpResponse:
    """Refuse, and say when to try again."""
    seconds = math.ceil((again - now).total_seconds())
    seen = {"page": page, "minutes": math.ceil(seconds / 60)}
    answer = render(request, "accounts/too_often.html", seen, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer
