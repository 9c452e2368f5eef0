// The inside of Server: what is served, and the bytes that do not change between requests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "server/mcp/audience.hpp"
#include "server/mcp/elicitations.hpp"
#include "server/mcp/listed.hpp"
#include "server/mcp/offered.hpp"
#include "server/mcp/request.hpp"
#include "server/mcp/server.hpp"
#include "server/mcp/skill_registry.hpp"
#include "server/mcp/state_codec.hpp"
#include "server/mcp/tool_registry.hpp"
#include "server/mcp/tool_result.hpp"

namespace tutti::mcp {

class Tasks;

struct Server::Impl {
  explicit Impl(ServerOptions given);

  const ServerOptions options;
  ToolRegistry tools;
  Listed<RegisteredPrompt> prompts;
  Listed<RegisteredResource> resources;
  Listed<RegisteredTemplate> templates;
  Listed<RegisteredSkill> skills;
  std::map<std::string, std::string> extensions;  ///< by id, the settings as JSON text
  bool completes = false;                         ///< arguments, for anything that was ever offered
  std::function<void()> refresh_skills;           ///< may be empty
  Audience audience;
  const std::string server_info;  ///< an Implementation object
  const ResultTail tail;
  const std::vector<Icon> icons;
  std::string discover_body;  ///< made when asked for; empty once something was added
  StateCodec state_codec;
  Elicitations elicitations;
  std::shared_ptr<Tasks> tasks;  ///< null when there is no store for them
  /// Dies with the server. Calls that handlers still hold on to then look here before they look at
  /// it.
  const std::shared_ptr<const char> alive = std::make_shared<const char>('\0');

  void refreshSkills() const {
    if (refresh_skills) refresh_skills();
  }
  /// `server_info` with the icons, for the answers that introduce the server.
  std::string introduction(Revision revision) const;
  bool offersResources() const { return resources.offered() || templates.offered(); }
  /// How to read `uri`: by the resource of that URI, or the first template that matches.
  struct Reader {
    ReadHandler handler;  ///< empty: nobody can
    FindHandler find;     ///< may be empty
    std::map<std::string, std::string> variables = {};
  };
  Reader readerOf(std::string_view uri) const;
};

/// Answers one request, now or later. Returns what is still pending, or null. The place where
/// exceptions of methods and handlers end: the client gets -32603 and the log the reason.
std::shared_ptr<Pending> dispatch(Server::Impl& server, Request&& request);

/// Handles one message under legacy rules: the peer's handshake decides the revision.
std::shared_ptr<Pending> receiveLegacy(Server::Impl& server, const std::shared_ptr<Peer>& peer,
                                       rpc::Item item, const std::shared_ptr<Exchange>& exchange);
std::shared_ptr<Pending> receiveLegacy(Server::Impl& server, const std::shared_ptr<Peer>& peer,
                                       rpc::Message&& message,
                                       const std::shared_ptr<Exchange>& exchange);

/// Notifications have no answer, whatever they say. `peer` may be null.
void receiveNotification(Peer* peer, const rpc::Message& message);

}  // namespace tutti::mcp
