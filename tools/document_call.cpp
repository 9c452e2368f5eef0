#include "tools/document_call.hpp"

#include <nlohmann/json.hpp>

#include "server/base/digest.hpp"

namespace tutti::tools {

documents::Caller documentCaller(const CallPtr& call) {
  return documents::Caller{call->caller().agent_session_id};
}

documents::Place placeOf(const Json& arguments) {
  documents::Place place;
  const std::string word = json::stringOr(arguments, "scope", "");
  place.scope = documents::parseScope(word).value_or(documents::Scope::Default);
  place.partition = json::stringOr(arguments, "partition", "");
  return place;
}

std::vector<std::string> tagsOf(const Json& arguments) {
  const Json* tags = json::find(arguments, "tags");
  if (tags == nullptr) return {};
  if (tags->is_string()) return documents::splitTags(tags->get_ref<const std::string&>());
  return tags->get<std::vector<std::string>>();
}

std::map<std::string, std::string> metadataOf(const Json& arguments) {
  std::map<std::string, std::string> metadata;
  if (const Json* given = json::find(arguments, "metadata"); given != nullptr)
    given->get_to(metadata);
  std::string description = json::stringOr(arguments, "description", "");
  if (!description.empty()) metadata["description"] = std::move(description);
  return metadata;
}

std::optional<std::int64_t> optionalInteger(const Json& arguments, std::string_view key) {
  if (json::find(arguments, key) == nullptr) return std::nullopt;
  return json::integerOr(arguments, key, 0);
}

Result<std::string> contentOf(const Json& arguments) {
  std::string content = json::stringOr(arguments, "content", "");
  if (json::stringOr(arguments, "encoding", "text") != "base64") return content;
  auto bytes = fromBase64(content);
  if (!bytes)
    return Error(Code::InvalidArgument, "content is no base64",
                 "give standard base64 with padding and without line breaks, or encoding text")
        .named("invalid_base64");
  return std::move(*bytes);
}

Json told(const Context& context, const documents::Document& document) {
  Json said = documents::toJson(document);
  said["uri"] = documents::documentUri(document.id);
  if (context.documents_url.empty()) {
    said.erase("url");
  } else {
    said["url"] = context.documents_url + documents::documentPath(document);
  }
  return said;
}

Json told(const Context& context, const documents::Changed& changed) {
  Json said = told(context, changed.document);
  said["unchanged"] = !changed.changed;
  return said;
}

}  // namespace tutti::tools
