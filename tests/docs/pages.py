"""The pages of the documentation, and what stands in them as commands, blocks of code and code in a line."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# docs/recipe.md is made of the option tables and has none.
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]


def fences(page, languages):
    """The text of every block of code in one of these languages, in order."""
    text = (ROOT / page).read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in languages]


def without_comment(line):
    """The line up to a # that begins a word outside of quotes."""
    quote = ""
    for i, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (i == 0 or line[i - 1].isspace()):
            return line[:i].rstrip()
    return line.rstrip()


def commands(page):
    """Every command of the page: of blocks without a language or in bash, one a line, those that end in \\ with the next."""
    result = []
    for body in fences(page, ("", "bash", "sh")):
        for line in body.replace("\\\n", " ").splitlines():
            line = without_comment(line).strip()
            if line:
                result.append(re.sub(r"\s+", " ", line))
    return result


def inline_code(page):
    """Code within a line of text: `...`, also those that go on in the next line."""
    text = re.sub(r"^```\w*\n.*?^```$", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+", " ", found) for found in re.findall(r"`([^`]+)`", text)]
