"""From records to the card. Pure: only what a run has measured or written down, and what holds of every model."""

from components.gate.card import of_data, of_measures, of_model
from components.gate.card.document import MISSING, Commands, Document, Facts, Paragraph, Points, Section, Words
from components.gate.card.sources import Sources, told
from pnfrec_core import served

_LEAD = Words(
    "This card lies in each version that the pipeline pushes. Its numbers were measured by the run that made the "
    f'model; what the run has not written down is called "{MISSING}".'
)
_INTENDED = Words(
    "The model is for lists of items that a person may like next: from one catalogue, for people with a history of "
    "likes and dislikes in it, as suggestions that they may pass over."
)
_NOT_FOR = (
    Words("It is not for items of another catalogue: an id that it was not trained on means nothing to it."),
    Words("Its scores put items in an order. They are no ratings and no probabilities."),
    Words(
        "It is not for statements about a person, and not for decisions on what somebody gets, pays or may do: a list "
        "says what others with a like history chose."
    ),
    Words(
        "The measures tell how well it finds what people chose by themselves in the past. They do not tell what a list "
        "changes in what people do; only an experiment with people does."
    ),
)


def make_card(sources: Sources) -> Document:
    """The card of a model."""
    name = told(sources.config, "name")
    return Document(
        title="Model card" if name is MISSING else f"Model card: {name}",
        # The Pusher replaces the last of these where it delivers a refitted model.
        lead=(Paragraph(_LEAD), Paragraph(sources.report.headline), Paragraph(Words(served.JUDGED))),
        sections=(
            of_model.model(sources),
            Section("What it is for, and what not", (Paragraph(_INTENDED), Points(_NOT_FOR))),
            of_data.data(sources),
            of_measures.measures(sources),
            *of_measures.slices(sources),
            of_model.dislikes(sources),
            of_measures.limits(sources),
            _software(sources),
            _check(),
        ),
    )


def _software(sources: Sources) -> Section:
    trained = sources.manifest.get("versions") or {}
    pairs = [(f"Trained with {name}", str(version)) for name, version in sorted(trained.items())]
    pairs += [(f"Judged with {name}", version) for name, version in sources.versions.items()]
    return Section("Software", (Facts(tuple(pairs or [("Versions", MISSING)])),))


def _check() -> Section:
    words = Words(
        "`run.yaml` beside this card holds all settings of the run. The first command runs it again: what has changed "
        "neither in data nor in settings nor in code is taken from the record of the pipeline, and the rest is made "
        "and judged anew. `report.html` of GateReporter shows the numbers of this card with their figures. The second "
        "command serves the folder of versions, and the third asks it."
    )
    commands = (
        "pnfrec run --config run.yaml",
        "pnfrec serve --base SERVING_FOLDER --port 8500",
        "pnfrec query --target 127.0.0.1:8500 --positive LIKED_ID --negative DISLIKED_ID",
    )
    return Section("How to check it", (Paragraph(words), Commands(commands)))
