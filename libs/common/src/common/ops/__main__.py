"""`python -m common.ops lag | topics … | dead-letters … | outbox | inbox | doctor`."""

import typer

from common.ops import letters_command, topics_command
from common.ops.doctor.command import doctor
from common.ops.lag_command import lag
from common.ops.queues_command import inbox, outbox

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="For whoever runs Madoguchi. Exit status: 0 well, 1 not as it should be, 2 wrong command or"
    " setting, 3 Kafka or PostgreSQL is away.",
)
app.command()(lag)
app.add_typer(topics_command.app, name="topics")
app.add_typer(letters_command.app, name="dead-letters")
app.command()(outbox)
app.command()(inbox)
app.command()(doctor)

if __name__ == "__main__":
    app()
