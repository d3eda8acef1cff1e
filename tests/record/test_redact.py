from __future__ import annotations

import pytest

from auditor import redact

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db.password",
        "HF_TOKEN",
        "apiKey",
        "api-key",
        "AWS_SECRET_ACCESS_KEY",
        "WANDB_API_KEY",
        "token",
        "clientSecret",
    ],
)
def test_names_of_secrets(name) -> None:
    assert redact.is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "tokenizer",
        "eos_token",
        "pad_token_id",
        "token_dropout",
        "num_tokens",
        "key",
        "keys",
        "author",
        "epochs",
    ],
)
def test_words_of_machine_learning_are_no_secrets(name) -> None:
    assert not redact.is_secret_name(name)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://user:pw@host/a.git", "https://host/a.git"),
        (f"https://{TOKEN}@github.com/a/b", "https://github.com/a/b"),
        ("https://x-access-token:abc@github.com/a/b", "https://github.com/a/b"),
        ("ssh://git@github.com/a/b", "ssh://git@github.com/a/b"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("https://host/a.git?private_token=abcdef123", "https://host/a.git?private_token=[redacted]"),
    ],
)
def test_remote_addresses(address, kept) -> None:
    assert redact.url(address) == kept


def test_command_lines() -> None:
    given = [
        "python",
        "t.py",
        "--token",
        "abc",
        "--api-key=xyz",
        "--epochs",
        "3",
        "password=hunter2",
        TOKEN,
        "--max-tokens",
        "9",
    ]
    expected = ["python", "t.py", "--token", "[redacted]", "--api-key=[redacted]", "--epochs", "3", "password=[redacted]"]
    assert redact.argv(given) == [*expected, "[redacted]", "--max-tokens", "9"]


def test_a_url_with_a_password_inside_a_word() -> None:
    assert redact.argv(["--tracking-uri=postgres://u:p@db/x"]) == ["--tracking-uri=postgres://[redacted]@db/x"]


def test_configuration_values() -> None:
    given = {
        "db": {"password": "hunter2", "a/b": {"token": TOKEN}},
        "tokens": 5,
        "eos_token": "</s>",
        "api_key": "${oc.env:KEY}",
        "list": [TOKEN, 1, None],
        "secret": 7,
    }
    clean, pointers = redact.value(given)
    assert clean == given | {
        "db": {"password": "[redacted]", "a/b": {"token": "[redacted]"}},
        "list": ["[redacted]", 1, None],
    }
    assert pointers == ["/db/password", "/db/a~1b/token", "/list/0"]
    assert given["db"] != clean["db"]  # a copy


def test_patches_keep_code_and_lose_literals() -> None:
    patch = "+db: password: hunter2\n"
    patch += (
        f'+password = "hunter2"\n+token = get_token(x)\n+key: {TOKEN}\n+max_tokens = 512\n+run(password=args.password)\n'
    )
    clean = redact.text(patch)
    assert "hunter2" not in clean
    assert TOKEN not in clean
    assert "get_token(x)" in clean
    assert "max_tokens = 512" in clean
    assert "password=args.password" in clean


def test_private_keys_over_many_lines() -> None:
    assert redact.text("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\nxx\n-----END RSA PRIVATE KEY-----\nb") == "a\n[redacted]\nb"
