"""Registration, login and the redirect to one's own dashboard; the rest is Django's."""

from __future__ import annotations

import math
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordResetForm
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.generic import FormView

from portal.accounts import visitor
from portal.accounts.access import account
from portal.accounts.allowances import take
from portal.accounts.forms import RegistrationForm, ResetForm, mailbox


@login_required
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect everybody to the dashboard of their role."""
    return redirect(account(request).dashboard)


class Login(auth.LoginView):
    """Log in; then redirect to `next`, if it is an address of this site, or to the dashboard."""

    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """Return the dashboard of the account that logs in."""
        return reverse(account(self.request).dashboard)


class Registration(FormView[RegistrationForm]):
    """Become a customer; then log in."""

    template_name = "accounts/register.html"
    form_class = RegistrationForm
    success_url = reverse_lazy("login")

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        """Create the account; somebody may have taken the name since it was checked."""
        now, address = timezone.now(), visitor.address(self.request)
        if again := take("register", address, per_hour=settings.REGISTRATIONS_PER_HOUR, now=now):
            return _too_often(self.request, "register", again, now)
        try:
            form.save()
        except IntegrityError:
            form.refuse_username()
            return self.form_invalid(form)
        messages.success(self.request, "Welcome! Log in to begin.")
        return super().form_valid(form)


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


def _too_often(request: HttpRequest, page: str, again: datetime, now: datetime) -> HttpResponse:
    """Refuse, and say when to try again."""
    seconds = math.ceil((again - now).total_seconds())
    seen = {"page": page, "minutes": math.ceil(seconds / 60)}
    answer = render(request, "accounts/too_often.html", seen, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer
