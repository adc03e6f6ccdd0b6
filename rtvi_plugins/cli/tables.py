"""Tables: aligned columns when piped, rich tables on a terminal. Columns in which nothing stands are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rtvi_plugins.cli.output import aligned, console, is_terminal, say
from rtvi_plugins.log import one_line


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a heading and a text about them. Without rows, only the heading and the text."""

    heading: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def filled(self) -> tuple[list[str], list[list[str]]]:
        """Give the columns in which something stands, and the rows without the others."""
        kept = [index for index in range(len(self.columns)) if any(row[index] for row in self.rows)]
        return [self.columns[index] for index in kept], [[row[index] for index in kept] for row in self.rows]


def print_tables(tables: Iterable[Table]) -> None:
    """Print tables one below the other."""
    print_one = _print_rich if is_terminal() else _print_plain
    for number, table in enumerate(tables):
        if number:
            say()
        print_one(table)


def _print_plain(table: Table) -> None:
    if table.heading:
        say(one_line(f"{table.heading}: {table.text}" if table.text else table.heading))
    columns, rows = table.filled()
    if rows:
        indent = "  " if table.heading else ""
        for line in aligned([columns, *rows]):
            say(f"{indent}{line}")


def _print_rich(table: Table) -> None:
    from rich import box  # noqa: PLC0415 - only for terminals
    from rich.table import Table as RichTable  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    screen = console()
    if table.heading:
        heading = Text(one_line(table.heading), style="bold")
        screen.print(heading.append(f"  {one_line(table.text)}", style="not bold dim") if table.text else heading)
    columns, rows = table.filled()
    if rows:
        made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
        for index, column in enumerate(columns):
            made.add_column(column, style="cyan" if index == 0 else None, overflow="fold")
        for row in rows:
            made.add_row(*(Text(one_line(cell)) for cell in row))
        screen.print(made)
