// The procedural agent of the crash test: this very program, started by run-hosts.
#pragma once

namespace tutti::crash {

/// Prints numbered steps to stderr and a JSON object to stdout, as its arguments say:
/// --lines N, --pause_ms N between steps, --tag T, --starts FILE (where it notes that it began),
/// --fail (exit 3), --leave (leaves a child behind that would live for a minute). Returns the exit
/// status.
int runAgent(int argc, char** argv);

}  // namespace tutti::crash
