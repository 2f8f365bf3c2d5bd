from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventcore.stores.redaction import HIDDEN, redacted, scrubbed, secrets_in

# Letters that occur nowhere else in the DSNs below, so that one of them in an answer is a part of a password.
TELLTALE = "ΩЖ"
raw = st.text(alphabet=st.sampled_from(TELLTALE + "@/:?#&=%'\\ +[]1")).map(lambda text: f"Ω{text}Ж")


def reveals(text: str) -> bool:
    return any(letter in text or quote(letter) in text for letter in TELLTALE)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://user@host:5432/db?sslmode=require", "postgresql://user@host:5432/db?sslmode=require"),
        ("postgresql://user:secret@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:@host/db", "postgresql://user:@host/db"),
        ("postgresql://user@host/db?password=s&sslmode=require", "postgresql://user@host/db?password=***&sslmode=require"),
        ("postgresql://user@host/db?sslpassword=s&PASSWORD=t", "postgresql://user@host/db?sslpassword=***&PASSWORD=***"),
        ("postgresql://user@host/db?pass%77ord=s", "postgresql://user@host/db?pass%77ord=***"),
        ("postgresql://user:a@h1:1,h2:2/db", "postgresql://user:***@h1:1,h2:2/db"),
        ("postgresql://user@host:5432/db?password=x@y", "postgresql://user@host:***"),
        ("host=h user=u password=s dbname=d", "host=h user=u password=*** dbname=d"),
        ("host=h password = 'it\\'s me' dbname=d", "host=h password = *** dbname=d"),
        ("password=two words dbname=d", "password=*** dbname=d"),
        ("application_name='password=no secret' host=h", "application_name='password=no secret' host=h"),
        ("postgresql:/user:secret@host/db", "postgresql:/user:***@host/db"),
        ("postgresql//user:secret@host/db", "postgresql//user:***@host/db"),
        ("postgresql:user:secret@host/db", "postgresql:user:***@host/db"),
        ("postgresql://user:secret", "postgresql://user:***"),
        ("postgresql://user:sec/ret", "postgresql://user:***"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://h1:1,h2:2/db?a=b:c", "postgresql://h1:1,h2:2/db?a=b:c"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql://host/a:b", "postgresql://host/a:b"),
        ("sqlite:///shop.db", "sqlite:///shop.db"),
        ("sqlite:///C:/shop.db", "sqlite:///C:/shop.db"),
        ("shop.db", "shop.db"),
    ],
)
def test_passwords_go_and_the_rest_stays(given, shown):
    assert redacted(given) == shown


@given(raw)
def test_a_password_in_the_userinfo_is_never_shown_escaped_or_not(password):
    for written in (password, quote(password, safe="")):
        assert not reveals(redacted(f"postgresql://user:{written}@host:5432/db?sslmode=require"))
        assert not reveals(redacted(f"postgres://user:{written}@h1,h2/db?user=x@y"))


@given(raw, st.sampled_from(["password", "sslpassword", "PassWord", "oauth_client_secret", "scram_client_key"]))
def test_a_password_in_the_query_is_never_shown(password, name):
    for escaped in (quote(password, safe=""), quote(password, safe="@/:?# ")):
        assert not reveals(redacted(f"postgresql://user@host:5432/db?sslmode=require&{name}={escaped}&application_name=x"))
        assert not reveals(redacted(f"postgresql://host?{name}={escaped}"))


@given(raw, raw)
def test_two_passwords_are_as_hidden_as_one(first, second):
    assert not reveals(redacted(f"postgresql://user:{first}@host/db?password={quote(second, safe='')}"))


@given(raw)
def test_a_password_among_pairs_is_never_shown_quoted_well_or_badly(password):
    well = password.replace("\\", "\\\\").replace("'", "\\'")
    for written in (f"'{well}'", f"'{password}'", password, password.replace("\\", "\\\\").replace(" ", "\\ ")):
        assert not reveals(redacted(f"host=h user=u password={written} dbname=d"))
        assert not reveals(redacted(f"host=h sslpassword = {written}"))


@given(raw)
def test_what_a_driver_says_is_scrubbed_of_the_password_in_each_form(password):
    dsn = f"postgresql://user:{quote(password, safe='')}@host/db"
    for form in (password, quote(password, safe="")):
        assert not reveals(scrubbed(f"cannot connect with {form!s} to {dsn}", None, dsn))


@given(st.text())
def test_any_text_can_be_redacted_and_a_second_time_changes_nothing(text):
    once = redacted(text)

    assert redacted(once) == once
    assert (once == text) == all(secret == HIDDEN for secret in secrets_in(text))
