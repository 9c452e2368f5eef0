"""AOF's context store on a free port, as Debian 12's packages can run it.

    python3 tests/bench/aof_context_store.py CHECKOUT FOLDER PORT_FILE

Its FastAPI and uvicorn are Debian's. Pydantic there is version 1, so the two names of version 2 that
AOF uses are given to it under their old meanings; nothing of AOF's own is changed.
"""
import json
import os
import socket
import sys

checkout, folder, port_file = (os.path.abspath(name) for name in sys.argv[1:4])
os.environ["DOCUMENT_SERVER_STORAGE"] = os.path.join(folder, "files")
os.environ["DOCUMENT_SERVER_DB"] = os.path.join(folder, "documents.db")
os.makedirs(folder, exist_ok=True)
sys.path.insert(0, os.path.join(checkout, "servers", "context-store"))

import pydantic  # noqa: E402
import uvicorn  # noqa: E402

if not hasattr(pydantic, "field_validator"):
    def field_validator(*fields):
        return lambda method: pydantic.validator(*fields)(getattr(method, "__func__", method))

    def model_dump(self, mode="python"):
        return json.loads(self.json()) if mode == "json" else self.dict()

    pydantic.field_validator = field_validator
    pydantic.BaseModel.model_dump = model_dump

listening = socket.socket()
listening.bind(("127.0.0.1", 0))
from src.main import app  # noqa: E402

with open(port_file + ".new", "w", encoding="utf-8") as out:
    out.write(str(listening.getsockname()[1]))
listening.listen(128)
os.rename(port_file + ".new", port_file)
uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])
