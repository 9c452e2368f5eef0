#include "tools/document_resources.hpp"

#include <nlohmann/json.hpp>

#include "server/documents/service.hpp"
#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

using ReadPtr = std::shared_ptr<mcp::ResourceRead>;
using CompletionPtr = std::shared_ptr<mcp::CompletionCall>;

constexpr std::int64_t kListedMax = 1000;
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
  documents::QueryRequest request = newest(read->caller(), kListedMax);
  const auto cursor = read->variables().find("cursor");
  if (cursor != read->variables().end()) request.filter.after = cursor->second;
  context.documents->query(std::move(request),
                           [&context, read](Result<documents::QueryAnswer> answer) {
                             if (!answer.ok()) return read->finish(std::move(answer).error());
                             Json all = Json::array();
                             for (const documents::DocumentInfo& info : answer->documents)
                               all.push_back(told(context, info.document));
                             Json body = {{"documents", std::move(all)}};
                             if (!answer->next.empty())
                               body["next"] = "tutti://documents?cursor=" + answer->next;
                             mcp::ResourceContents contents;
                             contents.uri = read->uri();
                             contents.mime_type = "application/json";
                             contents.text = json::dump(body);
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

void findDocument(const Context& context, const mcp::Caller& caller,
                  const std::map<std::string, std::string>& variables,
                  std::function<void(Status)> answer) {
  documents::InfoRequest request;
  request.caller.session_id = caller.agent_session_id;
  request.ref.document_id = variables.at("document_id");
  context.documents->info(std::move(request), [answer = std::move(answer)](
                                                  const Result<documents::DocumentInfo>& found) {
    answer(found.ok() ? ok() : Status(found.error()));
  });
}

void completeDocument(const Context& context, const CompletionPtr& call) {
  documents::Caller caller;
  caller.session_id = call->caller().agent_session_id;
  context.documents->complete(std::move(caller), call->value(), kListedMax,
                              [call](Result<documents::Completion> found) {
                                if (!found.ok()) return call->finish(std::move(found).error());
                                mcp::CompletionOutput output;
                                output.more = found->more;
                                if (!found->more) output.total = std::ssize(found->ids);
                                output.values = std::move(found->ids);
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
  mcp::ResourceTemplate page{"tutti://documents{?cursor}", "documents-page"};
  page.description = "A further page of the shared documents: the `next` of the page before it";
  page.mime_type = "application/json";
  added = server.addTemplate(std::move(page),
                             [&context](const ReadPtr& read) { readList(context, read); });
  if (!added.ok()) return added;
  mcp::ResourceTemplate one{"tutti://doc/{document_id}", "document"};
  one.description = "The newest content of a shared document";
  return server.addTemplate(
      std::move(one), [&context](const ReadPtr& read) { readDocument(context, read); },
      [&context](const CompletionPtr& call) { completeDocument(context, call); },
      [&context](const mcp::Caller& caller, const auto& variables, auto answer) {
        findDocument(context, caller, variables, std::move(answer));
      });
}

}  // namespace tutti::tools
