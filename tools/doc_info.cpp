#include "tools/doc_info.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

constexpr std::int64_t kVersionsMax = 1000;

/// The parts of one answer, asked for one after the other. Keeps itself until the last is there.
class Inquiry : public std::enable_shared_from_this<Inquiry> {
 public:
  Inquiry(const Context& context, CallPtr call)
      : context_(context),
        call_(std::move(call)),
        caller_(documentCaller(call_)),
        ref_{json::stringOr(call_->arguments(), "document_id", ""), ""} {}

  void begin() {
    context_.documents->info({caller_, ref_}, [self = shared_from_this()](auto info) {
      if (!info.ok()) return self->call_->finish(std::move(info).error());
      self->answer_ = told(self->context_, info->document);
      self->answer_["relations"] = documents::relationsByType(info->relations);
      self->addVersions();
    });
  }

 private:
  void addVersions() {
    if (!json::booleanOr(call_->arguments(), "versions", false)) return addNeighbours();
    context_.documents->versions(caller_, ref_, "", kVersionsMax,
                                 [self = shared_from_this()](auto page) {
                                   if (!page.ok())
                                     return self->call_->finish(std::move(page).error());
                                   Json all = Json::array();
                                   for (const documents::Version& version : page->versions)
                                     all.push_back(documents::toJson(version));
                                   self->answer_["versions"] = std::move(all);
                                   self->addNeighbours();
                                 });
  }

  void addNeighbours() {
    const auto depth = optionalInteger(call_->arguments(), "depth");
    if (!depth) return addPath();
    documents::NeighbourhoodRequest request{ref_, *depth, {}};
    context_.documents->neighbourhood(
        caller_, std::move(request), [self = shared_from_this()](auto found) {
          if (!found.ok()) return self->call_->finish(std::move(found).error());
          Json all = Json::array();
          for (const documents::Neighbour& neighbour : found->neighbours)
            all.push_back({{"document_id", neighbour.document.id},
                           {"filename", neighbour.document.filename},
                           {"depth", neighbour.depth},
                           {"relation_type", neighbour.by.relation_type},
                           {"from_document_id", neighbour.by.document_id}});
          self->answer_["neighbours"] = std::move(all);
          self->addPath();
        });
  }

  void addPath() {
    const std::string to = json::stringOr(call_->arguments(), "path_to", "");
    if (to.empty()) return finish();
    documents::PathRequest request{ref_, {to, ""}, {}};
    context_.documents->findPath(
        caller_, std::move(request), [self = shared_from_this()](auto links) {
          const bool none = !links.ok() && links.error().name() == "no_path";
          if (!links.ok() && !none) return self->call_->finish(std::move(links).error());
          Json way = none ? Json(nullptr) : Json::array();
          if (!none)
            for (const documents::Relation& link : *links) way.push_back(documents::toJson(link));
          self->answer_["path"] = std::move(way);
          self->finish();
        });
  }

  void finish() { call_->finish(mcp::ToolOutput{std::move(answer_), {}}); }

  const Context& context_;
  CallPtr call_;
  documents::Caller caller_;
  documents::DocumentRef ref_;
  Json answer_;
};

}  // namespace

void DocInfo::handle(const Context& context, const CallPtr& call) {
  std::make_shared<Inquiry>(context, call)->begin();
}

}  // namespace tutti::tools
