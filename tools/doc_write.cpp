#include "tools/doc_write.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

Status checkSource(const Json& arguments) {
  const bool content = json::find(arguments, "content") != nullptr;
  const bool restore = json::find(arguments, "restore_version") != nullptr;
  if (content && restore)
    return Error(Code::InvalidArgument, "both content and restore_version are given",
                 "give one of them")
        .named("content_given_twice");
  if (!content && !restore)
    return Error(Code::InvalidArgument, "neither content nor restore_version is given",
                 "give the whole new content; doc_edit changes a part of it")
        .named("content_missing");
  return ok();
}

}  // namespace

void DocWrite::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  if (Status checked = checkSource(arguments); !checked.ok())
    return call->finish(std::move(checked).error());
  auto finish = finishes<documents::Changed>(
      call, [&context](const auto& changed) { return told(context, changed); });
  const documents::DocumentRef ref{json::stringOr(arguments, "document_id", ""), ""};
  const auto expected = optionalInteger(arguments, "expected_version");
  const std::string key = json::stringOr(arguments, "idempotency_key", "");
  const std::string note = json::stringOr(arguments, "note", "");
  if (const auto version = optionalInteger(arguments, "restore_version"))
    return context.documents->restore(documentCaller(call), {ref, *version, expected, note},
                                      std::move(finish), key);
  auto content = contentOf(arguments);
  if (!content.ok()) return call->finish(std::move(content).error());
  documents::WriteRequest write;
  write.caller = documentCaller(call);
  write.ref = ref;
  write.content = std::move(*content);
  write.note = note;
  write.expected_version = expected;
  write.idempotency_key = key;
  context.documents->write(std::move(write), std::move(finish));
}

}  // namespace tutti::tools
