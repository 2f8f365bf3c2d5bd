from __future__ import annotations

import pytest

from tests.typing.checking import Findings, check


@pytest.fixture(scope="session")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return check(tmp_path_factory.mktemp("typing"))
