#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/text.hpp"
#include "server/cli/survey_report.hpp"

namespace tutti::cli {
namespace {
struct LanguageTotals {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  LineCounts counts;
};

struct Totals {
  LanguageTotals all;  ///< of text files
  std::map<std::string_view, LanguageTotals> by_language;
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t binary_files = 0;
  std::int64_t unreadable_files = 0;
  std::int64_t todo_counts[kTodoKinds] = {};
};

void add(LanguageTotals& totals, const FileFacts& facts) {
  ++totals.files;
  totals.bytes += facts.bytes;
  totals.counts.lines += facts.counts.lines;
  totals.counts.blank += facts.counts.blank;
  totals.counts.comment += facts.counts.comment;
}

Totals totalsOf(const std::vector<FileFacts>& all) {
  Totals totals;
  for (const FileFacts& facts : all) {
    if (facts.state == FileFacts::State::Skipped) continue;
    ++totals.files;
    totals.bytes += facts.bytes;
    if (facts.state == FileFacts::State::Unreadable) ++totals.unreadable_files;
    if (facts.state == FileFacts::State::Binary) ++totals.binary_files;
    if (facts.state != FileFacts::State::Text) continue;
    add(totals.all, facts);
    add(totals.by_language[facts.language], facts);
    for (std::size_t kind = 0; kind < kTodoKinds; ++kind)
      totals.todo_counts[kind] += facts.todo_counts[kind];
  }
  return totals;
}

std::int64_t codeLines(const LineCounts& counts) {
  return counts.lines - counts.blank - counts.comment;
}

void addCounts(Json& to, const LineCounts& counts) {
  to["lines"] = counts.lines;
  to["code_lines"] = codeLines(counts);
  to["comment_lines"] = counts.comment;
  to["blank_lines"] = counts.blank;
}

Json languagesJson(const Totals& totals) {
  std::vector<std::pair<std::string_view, LanguageTotals>> sorted(totals.by_language.begin(),
                                                                  totals.by_language.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.counts.lines > b.second.counts.lines;
  });
  Json list = Json::array();
  for (const auto& [name, one] : sorted) {
    Json entry =
        Json::object({{"name", std::string(name)}, {"files", one.files}, {"bytes", one.bytes}});
    addCounts(entry, one.counts);
    list.push_back(std::move(entry));
  }
  return list;
}

Json largestJson(const SurveyReport& report, std::size_t top) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < report.facts.size(); ++i)
    if (report.facts[i].state != FileFacts::State::Skipped) order.push_back(i);
  const std::size_t kept = std::min(top, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      const std::int64_t of_a = report.facts[a].bytes;
                      const std::int64_t of_b = report.facts[b].bytes;
                      return of_a != of_b ? of_a > of_b : a < b;
                    });
  Json list = Json::array();
  for (std::size_t i = 0; i < kept; ++i) {
    const FileFacts& facts = report.facts[order[i]];
    const bool is_text = facts.state == FileFacts::State::Text;
    Json entry = Json::object({{"path", toValidUtf8(report.files[order[i]])},
                               {"bytes", facts.bytes},
                               {"binary", facts.state == FileFacts::State::Binary},
                               {"lines", nullptr}});
    if (is_text) entry["lines"] = facts.counts.lines;
    list.push_back(std::move(entry));
  }
  return list;
}

Json todosJson(const SurveyReport& report, const Totals& totals, std::size_t top) {
  Json by_kind = Json::object();
  std::int64_t count = 0;
  for (std::size_t kind = 0; kind < kTodoKinds; ++kind) {
    by_kind[std::string(kTodoWords[kind])] = totals.todo_counts[kind];
    count += totals.todo_counts[kind];
  }
  Json items = Json::array();
  for (std::size_t i = 0; i < report.facts.size() && items.size() < top; ++i) {
    for (const Todo& todo : report.facts[i].todos) {
      if (items.size() >= top) break;
      items.push_back(
          Json::object({{"path", toValidUtf8(report.files[i])},
                        {"line", todo.line},
                        {"kind", std::string(kTodoWords[static_cast<std::size_t>(todo.kind)])},
                        {"text", todo.text}}));
    }
  }
  return Json::object(
      {{"count", count}, {"by_kind", std::move(by_kind)}, {"items", std::move(items)}});
}

Json entriesJson(const std::vector<ChurnEntry>& entries, const char* name_member) {
  Json list = Json::array();
  for (const ChurnEntry& one : entries)
    list.push_back(Json::object({{name_member, toValidUtf8(one.name)},
                                 {"commits", one.commits},
                                 {"added", one.added},
                                 {"deleted", one.deleted}}));
  return list;
}

Json churnJson(const std::optional<Churn>& churn) {
  if (!churn) return Json();
  return Json::object({{"days", churn->days},
                       {"commits", churn->commits},
                       {"added", churn->added},
                       {"deleted", churn->deleted},
                       {"files", entriesJson(churn->files, "path")},
                       {"authors", entriesJson(churn->authors, "name")}});
}

Json commitJson(const std::optional<LastCommit>& commit) {
  if (!commit) return Json();
  return Json::object({{"id", commit->id},
                       {"author", toValidUtf8(commit->author)},
                       {"date", commit->date},
                       {"subject", toValidUtf8(commit->subject)}});
}
}  // namespace

Json toJson(const SurveyReport& report, const SurveyOptions& options) {
  const Totals totals = totalsOf(report.facts);
  Json out = Json::object({{"path", toValidUtf8(report.path)},
                           {"is_git", report.is_git},
                           {"branch", nullptr},
                           {"last_commit", commitJson(report.last_commit)},
                           {"files", totals.files},
                           {"binary_files", totals.binary_files},
                           {"unreadable_files", totals.unreadable_files},
                           {"bytes", totals.bytes},
                           {"languages", languagesJson(totals)},
                           {"largest_files", largestJson(report, options.top)},
                           {"todos", todosJson(report, totals, options.top)},
                           {"churn", churnJson(report.churn)},
                           {"truncated", report.truncated},
                           {"notes", report.notes},
                           {"elapsed_ms", report.elapsed_ms}});
  if (report.branch) out["branch"] = toValidUtf8(*report.branch);
  addCounts(out, totals.all.counts);
  return out;
}

}  // namespace tutti::cli
