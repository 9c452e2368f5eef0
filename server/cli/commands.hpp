// The commands, as functions of their settings. Each returns the process's exit status:
// 0 done, 1 the tool or the work failed, 2 it could not be tried (bad usage, no store, no port).
#pragma once

#include <string>
#include <vector>

#include "server/cli/settings.hpp"

namespace tutti::cli {

/// `tutti stdio`: MCP on stdin and stdout until stdin ends.
int runStdio(const Settings& settings);

/// `tutti serve`: MCP streamable HTTP and /health until SIGTERM or SIGINT.
int runServe(const Settings& settings, const HttpSettings& http);

/// What `tutti call` was asked.
struct CallRequest {
  std::string tool;
  std::string arguments;  ///< a JSON object, "" for {}, "-" for stdin
  bool quiet = false;     ///< no progress on stderr
};
/// `tutti call`: one tool call; the structured result as JSON on stdout, an error on stderr.
int runCall(const Settings& settings, const CallRequest& request);

enum class Format { People, Json };

/// `tutti tools`, `blueprints`, `sessions`: lists for people, or the tool's own JSON.
int runTools(const Settings& settings, Format format);
int runBlueprints(const Settings& settings, Format format);
/// The packs that --pack adds and who is in each; needs no store.
int runPacks(const Settings& settings, Format format);
int runSessions(const Settings& settings, Format format);

struct EventsRequest {
  std::string session;
  bool follow = false;  ///< go on until the session's run is over
  Format format = Format::People;
};
/// `tutti events`: a session's events, a line each.
int runEvents(const Settings& settings, const EventsRequest& request);

struct DoctorRequest {
  bool fix = false;  ///< remove what belongs to nothing, have indexed what is not; not damage
  Format format = Format::People;
};
/// `tutti doctor`: checks the whole store, also while others work on it, and tells which files of
/// blueprints and of routing rules cannot be used and why. Of a store that an older tutti has
/// written it tells, without `fix`, what it lacks. 1 when something is damaged, the index wrong and
/// not fixed, or the store older; files harm no store.
int runDoctor(const Settings& settings, const DoctorRequest& request);

}  // namespace tutti::cli
