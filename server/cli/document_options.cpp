#include "server/cli/document_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>

namespace tutti::cli {
namespace {
using documents::DocumentLimits;
using documents::Retention;
using documents::ServiceOptions;

constexpr std::int64_t kMany = 1'000'000;
constexpr std::int64_t kBytesMost = std::int64_t{1} << 50;
constexpr std::int64_t kSecondsMost = std::int64_t{100} * 366 * 86'400;

enum class LimitUnit { Count, Bytes, Seconds };

/// One option: what it is called behind "--document-", and which number it is.
struct Row {
  const char* name;
  LimitUnit unit;
  std::int64_t least;
  std::int64_t most;
  const char* help;
  std::function<std::int64_t(const ServiceOptions&)> get;
  std::function<void(ServiceOptions&, std::int64_t)> set;
};

template <class Part, class Number>
Row row(const char* name, LimitUnit unit, std::int64_t least, std::int64_t most, const char* help,
        Part ServiceOptions::*part, Number Part::*member) {
  return {name,
          unit,
          least,
          most,
          help,
          [part, member](const ServiceOptions& options) {
            return static_cast<std::int64_t>(options.*part.*member);
          },
          [part, member](ServiceOptions& options, std::int64_t value) {
            options.*part.*member = static_cast<Number>(value);
          }};
}

template <class Number>
Row row(const char* name, LimitUnit unit, std::int64_t least, std::int64_t most, const char* help,
        Number ServiceOptions::*member) {
  return {name,
          unit,
          least,
          most,
          help,
          [member](const ServiceOptions& options) {
            return static_cast<std::int64_t>(options.*member);
          },
          [member](ServiceOptions& options, std::int64_t value) {
            options.*member = static_cast<Number>(value);
          }};
}

/// What a tool's schema limits already can only be made less.
const std::vector<Row>& table() {
  constexpr auto kLimits = &ServiceOptions::limits;
  constexpr auto kRetention = &ServiceOptions::retention;
  static const std::vector<Row> rows = {
      row("versions", LimitUnit::Count, 0, kMany, "Versions of a document that are kept; 0 for all",
          kRetention, &Retention::versions_max),
      row("versions-age", LimitUnit::Seconds, 0, kSecondsMost,
          "How old a version may become that is not the newest, as 30d; 0 for any age", kRetention,
          &Retention::versions_age_max_s),
      row("versions-bytes", LimitUnit::Bytes, 0, kBytesMost,
          "Size of all versions of a document, as 100MB: older ones go, the newest stays; 0 for "
          "any",
          kRetention, &Retention::versions_bytes_max),
      row("bytes", LimitUnit::Bytes, 1, kBytesMost, "Size of a document",
          &ServiceOptions::document_bytes_max),
      row("edit-bytes", LimitUnit::Bytes, 1, std::int64_t{4} << 30,
          "Size of a document that is edited in place", &ServiceOptions::edit_bytes_max),
      row("name-bytes", LimitUnit::Bytes, 1, 255, "Length of a document's name", kLimits,
          &DocumentLimits::filename_bytes_max),
      row("tags", LimitUnit::Count, 0, 64, "Tags of a document", kLimits,
          &DocumentLimits::tags_max),
      row("tag-bytes", LimitUnit::Bytes, 1, 128, "Length of a tag", kLimits,
          &DocumentLimits::tag_bytes_max),
      row("metadata", LimitUnit::Count, 0, 500, "Entries in a document's metadata", kLimits,
          &DocumentLimits::metadata_entries_max),
      row("metadata-bytes", LimitUnit::Bytes, 0, 64 << 20, "Size of a document's metadata", kLimits,
          &DocumentLimits::metadata_bytes_max),
      row("note-bytes", LimitUnit::Bytes, 0, 1 << 20, "Length of a note on a version or a relation",
          kLimits, &DocumentLimits::note_bytes_max),
      row("relations", LimitUnit::Count, 0, kMany, "Relations of a document", kLimits,
          &DocumentLimits::relations_max),
      row("cascade", LimitUnit::Count, 1, kMany, "Documents that go in one deletion", kLimits,
          &DocumentLimits::cascade_max),
      row("page", LimitUnit::Count, 1, 100'000, "Documents or versions in one answer", kLimits,
          &DocumentLimits::page_max),
      row("neighbours", LimitUnit::Count, 1, 100'000, "Documents in a neighbourhood", kLimits,
          &DocumentLimits::neighbours_max),
      row("path-visits", LimitUnit::Count, 1, kMany, "Documents looked at in search of a path",
          kLimits, &DocumentLimits::path_visits_max),
      row("jobs", LimitUnit::Count, 1, kMany, "Transfers and edits that wait for their turn",
          &ServiceOptions::jobs_max),
  };
  return rows;
}

std::string environmentName(const std::string& name) {
  std::string text = "TUTTI_DOCUMENT_" + name;
  for (char& c : text) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

/// Units that may follow the number; without one it is bytes or seconds.
std::map<std::string, std::int64_t> unitsOf(LimitUnit unit) {
  if (unit == LimitUnit::Seconds)
    return {{"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}, {"w", 604'800}};
  std::map<std::string, std::int64_t> units = {{"b", 1}};
  std::int64_t size = 1;
  for (const char* letter : {"k", "m", "g", "t"}) {
    size *= 1024;
    for (const char* end : {"", "b", "ib"}) units[std::string(letter) + end] = size;
  }
  return units;
}

std::string defaultText(const Row& row) {
  const std::int64_t value = row.get(ServiceOptions());
  constexpr std::int64_t kMega = 1 << 20;
  if (row.unit == LimitUnit::Bytes && value >= kMega && value % kMega == 0)
    return std::to_string(value / kMega) + "MB";
  return std::to_string(value);
}
}  // namespace

void addDocumentOptions(CLI::App& app, documents::ServiceOptions& options) {
  for (const Row& one : table()) {
    CLI::Option* option = app.add_option_function<std::int64_t>(
        std::string("--document-") + one.name,
        [&options, &one](const std::int64_t& value) { one.set(options, value); }, one.help);
    option->envname(environmentName(one.name))->default_str(defaultText(one));
    CLI::Validator range = CLI::Range(one.least, one.most);
    if (one.unit != LimitUnit::Count) {
      option->type_name(one.unit == LimitUnit::Bytes ? "SIZE" : "TIME");
      CLI::Validator units =
          CLI::AsNumberWithUnit(unitsOf(one.unit), CLI::AsNumberWithUnit::CASE_INSENSITIVE);
      option->transform(units.description(""));
      range.description("");
    }
    option->check(range);
    option->group("Documents");
  }
}

std::vector<std::string> documentArguments(const documents::ServiceOptions& options) {
  std::vector<std::string> arguments;
  for (const Row& one : table()) {
    const bool in_environment = std::getenv(environmentName(one.name).c_str()) != nullptr;
    if (one.get(options) == one.get(ServiceOptions()) && !in_environment) continue;
    arguments.push_back(std::string("--document-") + one.name);
    arguments.push_back(std::to_string(one.get(options)));
  }
  return arguments;
}

}  // namespace tutti::cli
