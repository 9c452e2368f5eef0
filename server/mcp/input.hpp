// Asking the client in the middle of a request: rounds of requests in 2026-07-28, real requests to
// the client before.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/mcp/error_map.hpp"
#include "server/mcp/exchange.hpp"
#include "server/mcp/request.hpp"
#include "server/mcp/request_context.hpp"
#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {

/// A request whose handler may ask for input.
class Asking : public Pending {
 public:
  /// Ends the request as its method ends with that error.
  virtual void failWith(Error error) = 0;
  /// Takes the request out, parameters whole, for another round. Nothing is answered here any more.
  virtual Request takeRequest() = 0;
};

/// The features that `requests` need, each once.
std::vector<ClientFeature> featuresFor(const std::vector<InputRequest>& requests);

/// Questions that send the user to `pages`, each by its elicitation_id.
InputNeeded visitsOf(const std::vector<PageToVisit>& pages);

/// The id of the page that a question of 2025-11-25 sends the user to; "" for any other question.
std::string pageIdOf(const Json& params);

/// May an elicitationId go to a client whose revision has none? See ServerOptions.
enum class PageIds { AsRevision, Kept };

/// {"method","params"} as `revision` has it, without the braces.
std::string methodAndParams(const InputRequest& request, Revision revision,
                            PageIds page_ids = PageIds::AsRevision);

/// Reads inputResponses and requestState of a modern request into `request.round`; leaves that null
/// when there is neither. Errors: -32602 for a state that does not open and for responses that are
/// no object.
std::optional<WireError> readRound(Server::Impl& server, Request& request);

/// The input_required result. Errors: ResourceExhausted when state and answers together are more
/// than request_state_bytes_max.
Result<std::string> inputRequired(Server::Impl& server, const Request& request,
                                  const InputNeeded& needed);

/// Sends `needed.requests` to a client of an older revision, on the stream of `request`. Once all
/// are answered the method runs again; an error, silence or an end of the connection fails
/// `asking`. Returns what to do when the request is cancelled meanwhile.
std::function<void()> askClient(Server::Impl& server, const std::shared_ptr<Asking>& asking,
                                const Request& request, InputNeeded needed);

}  // namespace tutti::mcp
