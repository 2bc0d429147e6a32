"""Recorded changes in words: what each step did, and what undoing it does."""

from backend.change.filestate import Kind
from backend.change.records import ChangeRecord, StepKind, StepRecord, StepState


def done_sentence(step: StepRecord) -> str:
    """Return what a step did."""
    if step.state is StepState.NO_OP:
        return f"{step.subject}: nothing to do"
    match step.kind:
        case StepKind.WRITE:
            new = step.before is not None and step.before.kind is Kind.ABSENT
            return f"{'new file' if new else 'changed'} {step.subject}"
        case StepKind.REMOVE:
            return f"removed {step.subject}"
        case StepKind.DIRECTORY:
            return f"new directory {step.subject}"
        case StepKind.CHECK:
            return f"checked: {step.subject}"
        case StepKind.UNIT:
            return f"service {step.subject}: {_asked(step)}"
        case StepKind.PACKAGES:
            return f"installed {' '.join(step.packages) or 'nothing new'}"


def undo_sentences(record: ChangeRecord) -> tuple[str, ...]:
    """Return what undoing a change will do, in the order in which it does so."""
    found = (_undo_sentence(step) for step in reversed(record.steps) if step.touched)
    return tuple(sentence for sentence in found if sentence)


def _undo_sentence(step: StepRecord) -> str:
    match step.kind:
        case StepKind.WRITE | StepKind.REMOVE:
            new = step.before is not None and step.before.kind is Kind.ABSENT
            return f"remove {step.subject}" if new else f"restore {step.subject}"
        case StepKind.DIRECTORY:
            return f"remove the directory {step.subject} if it is empty"
        case StepKind.UNIT:
            assert step.unit is not None
            before = f"{step.unit.enabled}, {step.unit.active}"
            return f"service {step.subject}: as before ({before})"
        case StepKind.PACKAGES:
            return f"remove the packages {' '.join(step.packages)}"
        case StepKind.CHECK:
            return ""


def _asked(step: StepRecord) -> str:
    words = [] if step.enabled is None else ["enabled" if step.enabled else "disabled"]
    past = {"stop": "stopped", "start": "started", "restart": "restarted", "reload": "reloaded"}
    if step.action is not None:
        words.append(past[step.action])
    return " and ".join(words)
