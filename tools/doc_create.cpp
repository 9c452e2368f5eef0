#include "tools/doc_create.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {

void DocCreate::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  documents::CreateRequest create;
  create.caller = documentCaller(call);
  create.place = placeOf(arguments);
  create.filename = json::stringOr(arguments, "filename", "");
  create.content_type = json::stringOr(arguments, "content_type", "");
  create.tags = tagsOf(arguments);
  create.metadata = metadataOf(arguments);
  create.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  context.documents->create(std::move(create),
                            finishes<documents::Document>(call, [&context](const auto& document) {
                              return told(context, document);
                            }));
}

}  // namespace tutti::tools
