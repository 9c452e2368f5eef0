#include "tools/document_resources.hpp"

#include <nlohmann/json.hpp>

#include "server/documents/service.hpp"
#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

using ReadPtr = std::shared_ptr<mcp::ResourceRead>;
using CompletionPtr = std::shared_ptr<mcp::CompletionCall>;

constexpr std::int64_t kListedMax = 1000;
constexpr std::int64_t kCompletedMax = 100;
constexpr std::size_t kBytesMax = 8U << 20;  // of one read; doc_read and doc_pull give more

documents::QueryRequest newest(const mcp::Caller& caller, std::int64_t count_max) {
  documents::QueryRequest request;
  request.caller.session_id = caller.agent_session_id;
  request.filter.place.scope = documents::Scope::Visible;
  request.filter.order = documents::Order::Updated;
  request.filter.direction = documents::Direction::Descending;
  request.filter.count_max = count_max;
  return request;
}

void finishRead(const ReadPtr& read, mcp::ResourceContents contents) {
  mcp::ResourceOutput output;
  output.contents.push_back(std::move(contents));
  read->finish(std::move(output));
}

void readList(const Context& context, const ReadPtr& read) {
  context.documents->query(newest(read->caller(), kListedMax),
                           [&context, read](Result<documents::QueryAnswer> answer) {
                             if (!answer.ok()) return read->finish(std::move(answer).error());
                             Json all = Json::array();
                             for (const documents::DocumentInfo& info : answer->documents)
                               all.push_back(told(context, info.document));
                             mcp::ResourceContents contents;
                             contents.uri = read->uri();
                             contents.mime_type = "application/json";
                             contents.text = json::dump({{"documents", std::move(all)}});
                             finishRead(read, std::move(contents));
                           });
}

void readDocument(const Context& context, const ReadPtr& read) {
  documents::ReadRequest request;
  request.caller.session_id = read->caller().agent_session_id;
  request.ref.document_id = read->variables().at("document_id");
  request.bytes_max = kBytesMax;
  context.documents->read(std::move(request), [read](Result<documents::ReadContent> found) {
    if (!found.ok()) return read->finish(std::move(found).error());
    finishRead(read, mcp::ResourceContents::ofBytes(read->uri(), found->document.content_type,
                                                    found->bytes));
  });
}

void completeDocument(const Context& context, const CompletionPtr& call) {
  context.documents->query(newest(call->caller(), kCompletedMax),
                           [call](Result<documents::QueryAnswer> answer) {
                             if (!answer.ok()) return call->finish(std::move(answer).error());
                             mcp::CompletionOutput output;
                             for (const documents::DocumentInfo& info : answer->documents)
                               if (info.document.id.starts_with(call->value()))
                                 output.values.push_back(info.document.id);
                             output.total = std::ssize(output.values);
                             call->finish(std::move(output));
                           });
}

}  // namespace

Status addDocumentResources(mcp::Server& server, const Context& context) {
  mcp::Resource list{"tutti://documents", "documents"};
  list.description = "Shared documents, the one that changed last first";
  list.mime_type = "application/json";
  Status added = server.addResource(std::move(list),
                                    [&context](const ReadPtr& read) { readList(context, read); });
  if (!added.ok()) return added;
  mcp::ResourceTemplate one{"tutti://doc/{document_id}", "document"};
  one.description = "The newest content of a shared document";
  return server.addTemplate(
      std::move(one), [&context](const ReadPtr& read) { readDocument(context, read); },
      [&context](const CompletionPtr& call) { completeDocument(context, call); });
}

}  // namespace tutti::tools
