#!/usr/bin/env python3
"""Checks who includes whom: the arrows of the architecture point one way, and third-party headers stay where they belong.

Usage: tests/include_check.py [ROOT]. Prints each breach as path:line and ends with status 1 if there is one.
"""
import pathlib
import re
import sys

# A folder may include itself and what stands here. The order is the order of the layers.
ALLOWED = {
    "server/base": set(),
    "server/json": {"server/base"},
    "server/store": {"server/base"},
    "server/agents": {"server/store", "server/json", "server/base"},
    "server/documents": {"server/agents", "server/store", "server/json", "server/base"},
    "server/routing": {"server/agents", "server/store", "server/json", "server/base"},
    "server/rpc": {"server/json", "server/base"},
    "server/mcp": {"server/rpc", "server/json", "server/base"},
    "server/tasks": {"server/mcp", "server/store", "server/json", "server/base"},
    "server/transport": {"server/mcp", "server/rpc", "server/json", "server/base"},
    "server/search": {"server/documents", "server/transport", "server/store", "server/json", "server/base"},
    "server/runner": {"server/agents", "server/store", "server/json", "server/base"},
    "server/toolhost": {"server/transport", "server/mcp", "server/rpc", "server/runner", "server/json", "server/base"},
    "server/rest": {"server/transport", "server/search", "server/documents", "server/json", "server/base"},
    "tools": {"server/toolhost", "server/mcp", "server/tasks", "server/runner", "server/agents", "server/documents", "server/search", "server/routing",
              "server/store", "server/json", "server/base"},
    "server/cli": {"tools", "server/rest", "server/toolhost", "server/tasks", "server/transport", "server/mcp", "server/rpc", "server/runner", "server/agents",
                   "server/documents", "server/search", "server/routing", "server/store", "server/json", "server/base"},
    "server": {"server/cli", "server/runner", "server/toolhost", "server/base"},  # main.cpp
}

# Which folders may include a third-party library, in .cpp files.
THIRD_PARTY = {
    "boost/beast": {"server/transport"},
    "boost/process": {"server/runner"},
    "boost/": {"server/transport", "server/search", "server/runner", "server/toolhost", "server/store", "server/cli", "tools"},
    "openssl/": {"server/transport", "server/base"},
    "hnswlib/": {"server/search"},
    "sqlite3.h": {"server/store"},
    "re2/": {"server/json", "server/routing"},
    "yaml-cpp/": {"server/agents"},
    "CLI/": {"server", "server/cli"},
    "spdlog/": {"server/base"},
    "fmt/": {"server/base", "server/cli"},
    "sodium.h": {"server/base"},
    "nlohmann/": None,  # anywhere
}
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "linux/", "net/")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def folder_of(path):
    """server/json/schema/x.hpp -> server/json; tools/x.hpp -> tools; server/main.cpp -> server."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "server" and len(parts) > 2 else parts[0]


def own_breach(path, target):
    folder, other = folder_of(path), folder_of(target)
    if other == folder or other in ALLOWED.get(folder, set()):
        return None
    if folder not in ALLOWED:
        return f"folder {folder} has no place in the layers; add it to ALLOWED"
    return f"{folder} must not include {other}"


def third_party_breach(path, target):
    if "/" not in target and target != "sqlite3.h" or target.startswith(SYSTEM_FOLDERS):
        return None
    library = next((name for name in THIRD_PARTY if target.startswith(name)), None)
    if library is None:
        return f"library of <{target}> is not known; add it to THIRD_PARTY"
    folders = THIRD_PARTY[library]
    if folders is not None and folder_of(path) not in folders:
        return f"{library} belongs to {', '.join(sorted(folders))}"
    return None


def breaches(root, path):
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        if quote == '"':
            breach = own_breach(path, target) if target.startswith(("server/", "tools/")) else \
                "include our own files by their path from the root"
            if breach is None and not (root / target).exists():
                breach = f"{target} does not exist"
        else:
            breach = third_party_breach(path, target)
        if breach:
            yield f"{path}:{number}: {breach}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    found, files = [], 0
    for top in ("server", "tools"):
        for file in sorted((root / top).rglob("*.[ch]pp")):
            files += 1
            found.extend(breaches(root, file.relative_to(root).as_posix()))
    for breach in found:
        print(breach)
    print(f"include check: {files} files, {len(found)} breaches", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
