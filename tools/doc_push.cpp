#include "tools/doc_push.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

Result<documents::ContentSource> sourceOf(const Json& arguments) {
  const bool inline_content = json::find(arguments, "content") != nullptr;
  const std::string path = json::stringOr(arguments, "file_path", "");
  if (inline_content && !path.empty())
    return Error(Code::InvalidArgument, "both content and file_path are given", "give one of them")
        .named("content_given_twice");
  if (!path.empty()) return documents::ContentSource(documents::FromPath{path});
  if (!inline_content)
    return Error(Code::InvalidArgument, "neither content nor file_path is given",
                 "give the text as content, or the file to take it from; doc_create makes an empty "
                 "document")
        .named("content_missing");
  auto content = contentOf(arguments);
  if (!content.ok()) return std::move(content).error();
  return documents::ContentSource(std::move(*content));
}

/// A further version of a document that is there. Its name, tags and metadata stay.
documents::WriteRequest nextVersion(documents::PushRequest push, const Json& arguments) {
  documents::WriteRequest write;
  write.caller = std::move(push.caller);
  write.ref.document_id = json::stringOr(arguments, "document_id", "");
  write.content = std::move(push.content);
  write.content_type = std::move(push.content_type);
  write.note = std::move(push.note);
  write.expected_version = optionalInteger(arguments, "expected_version");
  write.idempotency_key = std::move(push.idempotency_key);
  return write;
}

/// What only one of both, a new document and a further version, can take.
Status checkKind(const Json& arguments) {
  const bool next = json::find(arguments, "document_id") != nullptr;
  if (!next && json::find(arguments, "expected_version") != nullptr)
    return Error(Code::InvalidArgument, "expected_version is given without document_id",
                 "name the document that gets the new version, or leave expected_version out")
        .named("document_id_missing");
  for (const char* key : {"name", "tags", "metadata", "description", "scope", "partition"})
    if (next && json::find(arguments, key) != nullptr)
      return Error(Code::InvalidArgument, std::string(key) + " is given together with document_id",
                   "a further version changes the content alone: leave it out, or push a new "
                   "document without document_id")
          .named("not_for_a_version");
  return ok();
}

}  // namespace

Result<documents::PushRequest> DocPush::decode(const Json& arguments, documents::Caller caller) {
  if (Status kind = checkKind(arguments); !kind.ok()) return std::move(kind).error();
  auto source = sourceOf(arguments);
  if (!source.ok()) return std::move(source).error();
  documents::PushRequest push;
  push.caller = std::move(caller);
  push.content = std::move(*source);
  push.filename = json::stringOr(arguments, "name", "");
  const bool new_and_inline = json::find(arguments, "document_id") == nullptr &&
                              std::holds_alternative<std::string>(push.content);
  if (push.filename.empty() && new_and_inline)
    return Error(Code::InvalidArgument, "content is given without name",
                 "name the document, as in \"findings.md\"")
        .named("name_missing");
  push.place = placeOf(arguments);
  push.content_type = json::stringOr(arguments, "content_type", "");
  push.tags = tagsOf(arguments);
  push.metadata = metadataOf(arguments);
  push.note = json::stringOr(arguments, "note", "");
  push.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  return push;
}

void DocPush::handle(const Context& context, const CallPtr& call) {
  auto push = decode(call->arguments(), documentCaller(call));
  if (!push.ok()) return call->finish(std::move(push).error());
  if (json::find(call->arguments(), "document_id") == nullptr)
    return context.documents->push(
        std::move(*push), finishes<documents::Document>(call, [&context](const auto& document) {
          return told(context, document);
        }));
  context.documents->write(nextVersion(std::move(*push), call->arguments()),
                           finishes<documents::Changed>(call, [&context](const auto& changed) {
                             return told(context, changed);
                           }));
}

}  // namespace tutti::tools
