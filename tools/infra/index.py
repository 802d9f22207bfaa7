"""Index an app with the worker library, and print its functions: `python -m tools.infra.index FOLDER`.

In a process of its own, because the worker keeps one app, and with the app's folder first where modules are looked for:
this project's own folder would give it its own.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from local.host.worker import load_app


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    root = str(Path(__file__).parents[2])
    sys.path[:] = [str(folder), *(place for place in sys.path if place not in ("", root)), root]
    begun = time.perf_counter()
    functions = asyncio.run(load_app(folder))
    seconds = time.perf_counter() - begun
    app = Path(sys.modules["shared.app.container"].__file__ or "").parents[2]
    found = {function.name: function.kind for function in functions}
    print(json.dumps({"functions": found, "app": str(app), "seconds": round(seconds, 3)}))


if __name__ == "__main__":
    main()
