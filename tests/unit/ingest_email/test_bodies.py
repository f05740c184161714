from ingest_email.core.bodies import choose_bodies
from ingest_email.core.content import read_content
from ingest_email.core.limits import (
    BODY_PARTS,
    BODY_READ_BYTES,
    HTML_CHARACTERS,
    TEXT_CHARACTERS,
)
from ingest_email.core.tree import Part, read_tree


def part(media_type: str, body: str = "", **headers: str) -> str:
    fields = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"Content-Type: {media_type}\n{fields}\n{body or media_type}\n"


def multipart(subtype: str, *parts: str) -> str:
    boundary = f"b{abs(hash(parts))}"
    head, _, parameters = subtype.partition(";")
    body = "".join(f"--{boundary}\n{item}" for item in parts)
    extra = f";{parameters}" if parameters else ""
    return f"Content-Type: multipart/{head}; boundary={boundary}{extra}\n\n{body}--{boundary}--\n"


def types(*parts: str) -> tuple[list[str], list[str], list[str]]:
    bodies = choose_bodies(read_tree(parts[0].encode()))

    def said(found: tuple[Part, ...]) -> list[str]:
        return [item.content().decode().strip() for item in found]

    return said(bodies.text), said(bodies.html), said(bodies.attachments)


PLAIN, HTML, PNG, PDF = (
    part(kind) for kind in ("text/plain", "text/html", "image/png", "application/pdf")
)


def test_an_alternative_gives_text_to_read_and_html_to_show() -> None:
    assert types(multipart("alternative", PLAIN, HTML)) == (["text/plain"], ["text/html"], [])


def test_an_alternative_in_one_form_stands_for_both() -> None:
    assert types(multipart("alternative", HTML)) == (["text/html"], ["text/html"], [])
    assert types(multipart("alternative", PLAIN)) == (["text/plain"], ["text/plain"], [])
    assert types(multipart("mixed", PLAIN, multipart("alternative", HTML))) == (
        ["text/plain", "text/html"],
        ["text/plain", "text/html"],
        [],
    )


def test_pictures_in_html_are_files_of_their_own() -> None:
    mail = multipart("alternative", PLAIN, multipart("related", HTML, PNG))
    assert types(mail) == (["text/plain"], ["text/html"], ["image/png"])


def test_the_root_of_related_parts_may_stand_later() -> None:
    first = part("text/html", "inner", Content_ID="<inner>")
    root = part("text/html", "root", Content_ID="<root>")
    assert types(multipart('related; start="<root>"', first, root)) == (
        ["root"],
        ["root"],
        ["inner"],
    )


def test_text_between_pictures_is_one_text() -> None:
    two = part("text/plain", "two")
    assert types(multipart("mixed", PLAIN, PNG, two)) == (["text/plain", "two"],) * 2 + (
        ["image/png"],
    )


def test_named_and_attached_texts_are_files() -> None:
    named = part("text/plain; name=log.txt", "log")
    attached = part("text/plain", "attached", Content_Disposition="attachment")
    assert types(multipart("mixed", PLAIN, named, attached))[2] == ["log", "attached"]
    assert types(multipart("mixed", named, PDF))[0] == ["log"]


def test_a_calendar_in_an_alternative_is_a_file() -> None:
    mail = multipart("alternative", PLAIN, HTML, part("text/calendar"))
    assert types(mail)[2] == ["text/calendar"]


def test_mixed_parts_within_an_alternative_belong_to_its_form() -> None:
    mail = multipart("alternative", PLAIN, multipart("mixed", HTML, PNG))
    assert types(mail) == (["text/plain"], ["text/html"], ["image/png"])
    mail = multipart("alternative", multipart("mixed", PLAIN, part("text/plain", "two")), HTML)
    assert types(mail) == (["text/plain", "two"], ["text/html"], [])


def test_an_alternative_inside_a_closed_form_keeps_the_other_form_as_a_file() -> None:
    inner = multipart(
        "alternative", part("text/plain", "inner text"), part("text/html", "inner html")
    )
    mail = multipart("alternative", multipart("mixed", HTML, inner))
    assert types(mail) == (["text/html", "inner html"],) * 2 + (["inner text"],)


def test_flowed_japanese_is_joined_and_html_of_text_and_html_is_one_page() -> None:
    flowed = part("text/plain; charset=utf-8; format=flowed; delsp=yes", "お世話に \nなります。")
    content = read_content(choose_bodies(read_tree(multipart("mixed", flowed, HTML).encode())))
    assert content.text == "お世話になります。\ntext/html"
    assert content.html == "<p>お世話になります。</p>\ntext/html\n" or content.html is not None


def test_html_may_name_its_charset_itself() -> None:
    html = '<meta charset="shift_jis"><p>お見積り①</p>'.encode("cp932")
    content = read_content(choose_bodies(read_tree(b"Content-Type: text/html\n\n" + html)))
    assert content.text == "お見積り①"


def test_an_empty_text_beside_html_does_not_silence_it() -> None:
    mail = multipart("alternative", part("text/plain", " "), part("text/html", "<p>本文</p>"))
    assert read_content(choose_bodies(read_tree(mail.encode()))).text == "本文"


def test_plain_mail_has_no_html() -> None:
    assert read_content(choose_bodies(read_tree(PLAIN.encode()))).html is None


def test_what_is_longer_than_an_event_travels_as_a_file() -> None:
    long = part("text/plain", "あ" * (TEXT_CHARACTERS + 1))
    content = read_content(choose_bodies(read_tree(long.encode())))
    assert len(content.text) == TEXT_CHARACTERS
    assert [found.media_type for found in content.long] == ["text/plain"]
    long = part("text/html", f"<p>{'a' * HTML_CHARACTERS}</p>")
    content = read_content(choose_bodies(read_tree(long.encode())))
    assert content.html is None
    assert [found.media_type for found in content.long] == ["text/html"]


def test_what_is_longer_than_is_read_is_a_file_once() -> None:
    for kind in ("text/plain", "text/html"):
        long = part(kind, "a" * (BODY_READ_BYTES + 1))
        content = read_content(choose_bodies(read_tree(long.encode())))
        assert len(content.long) == 1
        assert content.text


def test_of_very_many_texts_the_first_are_read_and_the_others_are_files() -> None:
    many = multipart("mixed", *[part("text/plain", f"text {n}") for n in range(BODY_PARTS + 2)])
    content = read_content(choose_bodies(read_tree(many.encode())))
    assert content.text.endswith(f"text {BODY_PARTS - 1}")
    assert [found.content() for found in content.long] == [b"text 50", b"text 51"]
