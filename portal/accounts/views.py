"""Registration, login and the way to one's own dashboard; the rest is Django's."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.views.generic import FormView

from portal.accounts.access import account
from portal.accounts.forms import RegistrationForm, ResetForm


@login_required
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Send everybody to the dashboard of their role."""
    return redirect(account(request).dashboard)


class Login(auth.LoginView):
    """Log in; then on to `next`, if it is an address of this site, or to the dashboard."""

    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """Return the dashboard of who logs in."""
        return reverse(account(self.request).dashboard)


class Registration(FormView[RegistrationForm]):
    """Become a customer; then log in."""

    template_name = "accounts/register.html"
    form_class = RegistrationForm
    success_url = reverse_lazy("login")

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        """Make the account; somebody may have taken the name since it was checked."""
        try:
            form.save()
        except IntegrityError:
            form.refuse_username()
            return self.form_invalid(form)
        messages.success(self.request, "Welcome! Log in to begin.")
        return super().form_valid(form)


class PasswordReset(auth.PasswordResetView):
    """Ask for a mail with a link; the answer does not tell whether there is such an account."""

    form_class = ResetForm
