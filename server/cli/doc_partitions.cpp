// `tutti doc partition add`, `ls` and `rm`.
#include <nlohmann/json.hpp>

#include "server/cli/doc_desk.hpp"
#include "server/cli/format.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {
bool showPartition(const documents::Partition& partition) {
  return printOut(fmt::format("{:<24} {}  {}\n", partition.name, partition.created_at.substr(0, 16),
                              oneLine(partition.description, 80)));
}
}  // namespace

int runDocPartitionAdd(const Settings& settings, const DocPartitionRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto made = (*desk)->await<documents::Partition>([&](auto done) {
    (*desk)->service().createPartition((*desk)->caller(), request.name, request.description,
                                       std::move(done));
  });
  if (!made.ok()) return DocDesk::failed(made.error());
  if (request.format == Format::Json) return printJson(documents::toJson(*made));
  return showPartition(*made) ? 0 : 1;
}

int runDocPartitionList(const Settings& settings, const DocPartitionRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto found = (*desk)->await<std::vector<documents::Partition>>(
      [&](auto done) { (*desk)->service().listPartitions((*desk)->caller(), std::move(done)); });
  if (!found.ok()) return DocDesk::failed(found.error());
  if (request.format == Format::Json) {
    Json list = Json::array();
    for (const documents::Partition& one : *found) list.push_back(documents::toJson(one));
    return printJson(list);
  }
  if (found->empty()) return printOut("no partitions\n") ? 0 : 1;
  for (const documents::Partition& one : *found)
    if (!showPartition(one)) return 1;
  return 0;
}

int runDocPartitionRemove(const Settings& settings, const DocPartitionRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto gone = (*desk)->await<documents::DeletedPartition>([&](auto done) {
    (*desk)->service().deletePartition((*desk)->caller(), request.name, std::move(done));
  });
  if (!gone.ok()) return DocDesk::failed(gone.error());
  if (request.format == Format::Json)
    return printJson(
        {{"name", gone->name}, {"deleted_document_count", gone->deleted_document_count}});
  return printOut(
             fmt::format("{}: {} documents deleted\n", gone->name, gone->deleted_document_count))
             ? 0
             : 1;
}

}  // namespace tutti::cli
