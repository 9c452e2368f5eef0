// The protocol core: every revision, any transport, no word about agents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/clock.hpp"
#include "server/mcp/completion.hpp"
#include "server/mcp/icon.hpp"
#include "server/mcp/prompt.hpp"
#include "server/mcp/resource.hpp"
#include "server/mcp/skill.hpp"
#include "server/mcp/timers.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::mcp {

class TaskStore;

struct ServerOptions {
  std::string name = "tutti";
  std::string title;
  std::string version;
  std::string instructions;
  std::vector<Icon> icons;             ///< those that check() refuses are logged, not served
  std::size_t in_flight_max = 1024;    ///< unfinished requests of one connection
  std::size_t list_page_max = 200;     ///< entries of one page of a list
  std::size_t listeners_max = 1024;    ///< open subscriptions/listen of all clients
  std::size_t watched_max = 1024;      ///< URIs that one client, or one listen, may watch
  std::int64_t list_ttl_ms = 300'000;  ///< how long a modern client may keep a list
  /// Between two pings to an older client on stdio or with a standalone stream; 0: none are sent.
  std::int64_t ping_every_s = 0;
  std::int64_t ping_wait_max_s = 60;    ///< without an answer: then the client is let go
  int input_rounds_max = 8;             ///< of one request that asks an older client
  std::size_t elicitations_max = 1024;  ///< pages whose clients are remembered
  /// Leave elicitationId, which 2026-07-28 does not have, in what its clients are asked: for
  /// clients that pass questions on.
  bool keeps_elicitation_ids = false;
  std::int64_t input_wait_max_s = 600;     ///< for one round's answers of an older client
  std::int64_t request_state_max_s = 600;  ///< after which a signed requestState is refused
  std::size_t request_state_bytes_max = 64U * 1024;  ///< of state and answers in one
  /// Keys that sign requestState, of 32 bytes or more: the first one signs, all are accepted.
  /// Without one a random key is made when it is first needed.
  std::vector<std::string> request_state_keys;
  /// Where tasks are kept; null: there are none.
  std::shared_ptr<TaskStore> task_store;
  std::int64_t task_ttl_max_ms = 24LL * 3600 * 1000;
  const Clock* clock = &Clock::system();
  std::shared_ptr<Timers> timers;  ///< null: waits end with their connection only
};

/// Holds what is served and answers messages. Runs on the I/O thread only. What is there before the
/// first message decides which capabilities are declared; more may come and go at any time.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Compiles both schemas. Errors: InvalidArgument naming the tool (bad name, duplicate name,
  /// schema that does not compile or whose root type is not object).
  Status addTool(Tool tool, ToolHandler handler);
  /// Errors: InvalidArgument naming the prompt (bad name, an argument without a name of its own) or
  /// Conflict when the name is taken. `complete` may be empty.
  Status addPrompt(Prompt prompt, PromptHandler handler, CompletionHandler complete = {});
  /// Errors: InvalidArgument naming the URI, or Conflict when it is taken.
  Status addResource(Resource resource, ReadHandler handler);
  /// A URI that no resource has is read by the first template that matches it. Errors as above, and
  /// those of UriTemplate::compile(). Without `find` each URI that matches may be watched.
  Status addTemplate(ResourceTemplate resource, ReadHandler handler,
                     CompletionHandler complete = {}, FindHandler find = {});
  /// Offers a skill and its files as resources, and declares the extension. Errors: those of
  /// makeSkill() in skill_registry.hpp, and Conflict when one of the URIs is taken.
  Status addSkill(Skill skill);
  /// `refresh` runs before skills or resources are listed and before a skill is looked up; it may
  /// add and remove what is offered. One at a time; null: none.
  void beforeSkills(std::function<void()> refresh);
  /// Declares an extension of the protocol. `settings` is a JSON object as text.
  void declareExtension(std::string id, std::string settings);

  // False when there is none of that name. Requests under way go on.
  bool removeTool(std::string_view name);
  bool removePrompt(std::string_view name);
  bool removeResource(std::string_view uri);
  bool removeTemplate(std::string_view uri_template);
  bool removeSkill(std::string_view uri);  ///< and its files

  // Tell whoever wants to know; once after any number of changes.
  void toolsChanged();
  void promptsChanged();
  void resourcesChanged();  ///< templates too
  /// To those who watch it and `may_hear`, by their agent session ("" is a person's client); empty:
  /// to all who watch it.
  using MayHear = std::function<bool(const std::string& agent_session_id)>;
  void resourceUpdated(std::string_view uri, const MayHear& may_hear = {});
  /// A user has been to the page of that id: the client of 2025-11-25 that was sent there is told,
  /// once. False when no such client is known (any more).
  bool elicitationComplete(const std::string& elicitation_id);
  /// Sends `data` to every client of an older revision that takes records of this level outside of
  /// its requests; later ones take them within requests only. Never a secret.
  void log(LogLevel level, std::string_view logger, const Json& data);
  /// `callback` runs when watchedUris() may be others; a client that goes without a word is noticed
  /// with the next change. One callback: a second replaces the first.
  void onWatched(std::function<void()> callback);
  /// The resources that some client wants to hear of.
  std::vector<std::string> watchedUris();
  /// The agent sessions of those clients.
  std::set<std::string> watchingSessions();
  /// Open subscriptions/listen.
  std::size_t listening() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::mcp
