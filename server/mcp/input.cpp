#include "server/mcp/input.hpp"

#include <algorithm>
#include <utility>

#include "server/base/ids.hpp"
#include "server/base/text.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view methodName(InputRequest::Method method) {
  switch (method) {
    case InputRequest::Method::Elicit:
      return "elicitation/create";
    case InputRequest::Method::Sample:
      return "sampling/createMessage";
    case InputRequest::Method::ListRoots:
      return "roots/list";
  }
  return {};
}

bool isUrlMode(const InputRequest& request) {
  return request.method == InputRequest::Method::Elicit && request.params.is_object() &&
         json::stringOr(request.params, "mode", "") == "url";
}

ClientFeature featureFor(const InputRequest& request) {
  switch (request.method) {
    case InputRequest::Method::Elicit:
      return isUrlMode(request) ? ClientFeature::ElicitUrl : ClientFeature::ElicitForm;
    case InputRequest::Method::ListRoots:
      return ClientFeature::Roots;
    case InputRequest::Method::Sample:
      break;
  }
  const bool tools = request.params.is_object() &&
                     (request.params.contains("tools") || request.params.contains("toolChoice"));
  return tools ? ClientFeature::SamplingTools : ClientFeature::Sampling;
}

WireError badState() {
  WireError error =
      invalidParams("'requestState' is not one that was given for this request",
                    "invalid_request_state", "start over, without requestState and inputResponses");
  error.http_status = 400;
  return error;
}

/// {"state","answers"}: what the payload of a requestState is.
std::string payloadOf(const InputRound* round, const std::string& state) {
  if (state.empty() && (round == nullptr || round->answers.empty())) return {};
  Json payload{{"state", state}};
  if (round != nullptr) payload["answers"] = round->answers;
  return json::dump(payload);
}

bool readPayload(const std::string& text, InputRound& round) {
  auto payload = json::parse(text);
  if (!payload.ok()) return false;
  round.state = json::stringOr(*payload, "state", "");
  const auto answers = payload->find("answers");
  if (answers == payload->end()) return true;
  for (auto& [key, value] : answers->items()) round.answers.emplace(key, std::move(value));
  return true;
}

}  // namespace

std::vector<ClientFeature> featuresFor(const std::vector<InputRequest>& requests) {
  std::vector<ClientFeature> features;
  for (const InputRequest& request : requests) {
    const ClientFeature feature = featureFor(request);
    if (std::find(features.begin(), features.end(), feature) == features.end())
      features.push_back(feature);
  }
  return features;
}

InputNeeded visitsOf(const std::vector<PageToVisit>& pages) {
  InputNeeded needed;
  for (const PageToVisit& page : pages)
    needed.requests.push_back({page.elicitation_id, InputRequest::Method::Elicit,
                               Json{{"mode", "url"},
                                    {"elicitationId", page.elicitation_id},
                                    {"url", page.url},
                                    {"message", page.message}}});
  return needed;
}

std::string pageIdOf(const Json& params) {
  return params.is_object() ? json::stringOr(params, "elicitationId", "") : std::string();
}

std::string methodAndParams(const InputRequest& request, Revision revision, PageIds page_ids) {
  Json params = request.params.is_object() ? request.params : Json::object();
  // Modes came with 2025-11-25; ids of an elicitation are of that revision alone.
  if (isUrlMode(request) && revision == Revision::k2025_11_25 && !params.contains("elicitationId"))
    params["elicitationId"] = randomHex(16);
  if (isModern(revision) && page_ids == PageIds::AsRevision) params.erase("elicitationId");
  if (request.method == InputRequest::Method::Elicit && revision < Revision::k2025_11_25)
    params.erase("mode");
  std::string text = "\"method\":\"";
  text.append(methodName(request.method)).append("\",\"params\":").append(json::dump(params));
  return text;
}

namespace {

constexpr std::string_view kRequestState = "requestState";
constexpr std::string_view kInputResponses = "inputResponses";

/// Asked of every call: comparing the few keys there are is quicker than looking two up.
bool bringsRound(const Json& params) {
  if (!params.is_object()) return false;
  for (const auto& [key, value] : params.get_ref<const Json::object_t&>())
    if (key == kRequestState || key == kInputResponses) return true;
  return false;
}

}  // namespace

std::optional<WireError> readRound(Server::Impl& server, Request& request) {
  if (!bringsRound(request.params)) return std::nullopt;
  const auto state = request.params.find(kRequestState);
  const auto responses = request.params.find(kInputResponses);
  auto round = std::make_shared<InputRound>();
  if (state != request.params.end()) {
    if (!state->is_string()) return badState();
    const auto payload =
        server.state_codec.open(state->get_ref<const std::string&>(),
                                bindingOf(request.method, request.params, request.context.caller));
    if (!payload || !readPayload(*payload, *round)) return badState();
  }
  if (responses != request.params.end() && !responses->is_null()) {
    if (!responses->is_object()) return invalidParams("'inputResponses' must be an object");
    for (auto& [key, value] : responses->items())
      if (value.is_object()) round->answers.insert_or_assign(key, std::move(value));
  }
  request.params.erase("requestState");
  request.params.erase("inputResponses");
  request.round = std::move(round);
  return std::nullopt;
}

Result<std::string> inputRequired(Server::Impl& server, const Request& request,
                                  const InputNeeded& needed) {
  std::string body =
      "{\"resultType\":\"input_required\",\"_meta\":{" + server.tail.server_info + "}";
  const std::string_view open = ",\"inputRequests\":{";
  std::string_view before = open;
  const PageIds page_ids =
      server.options.keeps_elicitation_ids ? PageIds::Kept : PageIds::AsRevision;
  for (const InputRequest& wanted : needed.requests) {
    body.append(before);
    appendJsonString(body, wanted.key);
    body.append(":{")
        .append(methodAndParams(wanted, request.context.revision, page_ids))
        .push_back('}');
    before = ",";
  }
  if (!needed.requests.empty()) body += '}';

  std::string payload = payloadOf(request.round.get(), needed.state);
  if (payload.size() > server.options.request_state_bytes_max)
    return Error(Code::ResourceExhausted,
                 "the state of this request is larger than request_state_bytes_max (" +
                     std::to_string(server.options.request_state_bytes_max) + " bytes)",
                 "ask for less in one request")
        .named("request_state_bytes_max");
  if (payload.empty() && needed.requests.empty()) payload = "{}";  // one of the two there must be
  if (!payload.empty()) {
    const auto binding = bindingOf(request.method, request.params, request.context.caller);
    body += ",\"requestState\":";
    appendJsonString(body, server.state_codec.seal(payload, binding));
  }
  body += '}';
  return body;
}

}  // namespace tutti::mcp
