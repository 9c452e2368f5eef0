// `tutti doc …`: shared documents from the command line. Each command is a function of its request
// that returns the exit status: 0 done, 1 it failed, 2 it could not be tried.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/cli/commands.hpp"
#include "server/cli/settings.hpp"

namespace CLI {
class App;
}

namespace tutti::cli {

/// What every `tutti doc` command takes.
struct DocRequest {
  std::string scope;      ///< tree, project, global; "" is an agent's tree, a person's global
  std::string partition;  ///< instead of a scope
  Format format = Format::People;
};

struct DocPushRequest : DocRequest {
  std::vector<std::string> files;  ///< "-" or none: standard input
  std::string name;
  std::string content_type;
  std::vector<std::string> tags;
  std::vector<std::string> metadata;  ///< "key=value"
  std::string description;
  std::string document;  ///< its next version instead of a new document
  std::optional<std::int64_t> expected_version;
  std::string note;
};
int runDocPush(const Settings& settings, const DocPushRequest& request);

struct DocPullRequest : DocRequest {
  std::string document;  ///< its id or its file name
  std::string output;    ///< file or folder; "": its name here; "-": standard output
  std::int64_t version = 0;
  bool force = false;  ///< a file that is there may be replaced
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> limit;
};
int runDocPull(const Settings& settings, const DocPullRequest& request);
/// To standard output.
int runDocCat(const Settings& settings, const DocPullRequest& request);

struct DocListRequest : DocRequest {
  std::string name;
  std::vector<std::string> tags;
  std::string order = "updated";
  std::int64_t limit = 50;
};
int runDocList(const Settings& settings, const DocListRequest& request);

struct DocSearchRequest : DocRequest {
  std::vector<std::string> words;
  std::string mode;  ///< fulltext, semantic, hybrid; "": what there is
  std::vector<std::string> tags;
  std::size_t limit = 10;
};
int runDocSearch(const Settings& settings, const DocSearchRequest& request);

struct DocShowRequest : DocRequest {
  std::string document;
  std::int64_t from = 0;  ///< of a diff
  std::int64_t to = 0;
};
int runDocInfo(const Settings& settings, const DocShowRequest& request);
int runDocLog(const Settings& settings, const DocShowRequest& request);
int runDocDiff(const Settings& settings, const DocShowRequest& request);

struct DocEditRequest : DocRequest {
  std::string document;
  std::optional<std::string> old_string;
  std::optional<std::string> new_string;  ///< with neither of both: $EDITOR
  bool replace_all = false;
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> length;
  std::string note;
};
int runDocEdit(const Settings& settings, const DocEditRequest& request);

struct DocRestoreRequest : DocRequest {
  std::string document;
  std::int64_t version = 0;
  std::string note;
};
int runDocRestore(const Settings& settings, const DocRestoreRequest& request);

struct DocRemoveRequest : DocRequest {
  std::vector<std::string> documents;
};
int runDocRemove(const Settings& settings, const DocRemoveRequest& request);

struct DocLinkRequest : DocRequest {
  std::string from;
  std::string to;
  std::string type = "related";
  std::string note;
  std::string remove_id;
};
int runDocLink(const Settings& settings, const DocLinkRequest& request);

struct DocPartitionRequest : DocRequest {
  std::string name;
  std::string description;
};
int runDocPartitionAdd(const Settings& settings, const DocPartitionRequest& request);
int runDocPartitionList(const Settings& settings, const DocPartitionRequest& request);
/// With all its documents.
int runDocPartitionRemove(const Settings& settings, const DocPartitionRequest& request);

/// Adds `doc` with its commands to `app`. The one that is asked for is put into `chosen`, to be run
/// after the parse. `settings` outlives it.
void addDocCommands(CLI::App& app, const Settings& settings, std::function<int()>& chosen);

}  // namespace tutti::cli
