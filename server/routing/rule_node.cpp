#include "server/routing/rule_node.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/text.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kShownBytesMax = 60;

std::string plain(double number) {
  std::string text = std::to_string(number);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}
}  // namespace

RuleNode::RuleNode(RuleSource& source) : RuleNode(source, &source.document.value, "") {}

RuleNode::RuleNode(RuleSource& source, const Json* value, std::string field)
    : source_(&source), value_(value), field_(std::move(field)) {}

int RuleNode::line() const {
  std::string_view field = field_;
  while (!field.empty()) {  // of an absent member: where what should have it begins
    const auto found = source_->document.lines.find(field);
    if (found != source_->document.lines.end()) return found->second;
    const std::size_t parting = field.find_last_of(".[");
    field = field.substr(0, parting == std::string_view::npos ? 0 : parting);
  }
  return 1;
}

bool RuleNode::isNull() const {
  return value_ == nullptr || value_->is_null();
}

bool RuleNode::isList() const {
  return value_ != nullptr && value_->is_array();
}

bool RuleNode::isMapping() const {
  return value_ != nullptr && value_->is_object();
}

std::string RuleNode::shown() const {
  if (isList()) return "a list";
  if (isMapping()) return "a mapping";
  return isNull() ? "empty" : "'" + shortened(value_->get<std::string>(), kShownBytesMax) + "'";
}

void RuleNode::refuse(std::string message, std::string hint) const {
  source_->problems.push_back(
      {source_->source, line(), field_, std::move(message), std::move(hint)});
}

RuleNode RuleNode::member(std::string_view key) const {
  const Json* value = isMapping() ? json::find(*value_, key) : nullptr;
  return {*source_, value, field_.empty() ? std::string(key) : field_ + "." + std::string(key)};
}

std::vector<RuleNode> RuleNode::elements() const {
  std::vector<RuleNode> list;
  if (isNull()) return list;
  if (!isList()) {
    refuse("is " + shown() + ", not a list", "write [a, b], or a line '- a' for each");
    return list;
  }
  for (std::size_t i = 0; i < value_->size(); ++i)
    list.push_back({*source_, &(*value_)[i], field_ + "[" + std::to_string(i) + "]"});
  return list;
}

std::vector<std::pair<std::string, RuleNode>> RuleNode::members() const {
  std::vector<std::pair<std::string, RuleNode>> list;
  if (isNull()) return list;
  if (!isMapping()) {
    refuse("is " + shown() + ", not a mapping", "write 'name: value' lines below it");
    return list;
  }
  for (auto at = value_->begin(); at != value_->end(); ++at)
    list.emplace_back(at.key(), RuleNode(*source_, &at.value(),
                                         field_.empty() ? at.key() : field_ + "." + at.key()));
  return list;
}

void RuleNode::allowOnly(std::span<const std::string_view> known) const {
  for (const auto& [key, value] : members()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    const std::vector<std::string> near = nearestNames(key, names);
    value.refuse("unknown field '" + shortened(key, kShownBytesMax) + "'",
                 near.empty() ? "the fields here are " + joined(names)
                              : "did you mean " + joined(near) + "?");
  }
}

std::string RuleNode::text() const {
  if (isNull()) return {};
  if (!value_->is_string()) {
    refuse("is " + shown() + ", not a text");
    return {};
  }
  return value_->get<std::string>();
}

std::string RuleNode::requiredText() const {
  std::string value = text();
  if (value.empty() && !isList() && !isMapping()) refuse("is missing or empty");
  return value;
}

std::size_t RuleNode::word(std::span<const std::string_view> words) const {
  const std::string value = text();
  const auto at = std::find(words.begin(), words.end(), value);
  if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  if (!value.empty())
    refuse("is " + shown(),
           "use one of " + joined(std::vector<std::string>(words.begin(), words.end())));
  return 0;
}

double RuleNode::number(double fallback, Range range) const {
  const std::string value = text();
  if (value.empty()) return fallback;
  double parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  if (whole && parsed >= range.least && parsed <= range.most) return parsed;
  refuse("is " + shown(), "give a number from " + plain(range.least) + " to " + plain(range.most));
  return fallback;
}

int RuleNode::integer(int fallback, Range range) const {
  const double value = number(fallback, range);
  if (value == std::floor(value)) return static_cast<int>(value);
  refuse("is " + shown(), "give a whole number");
  return fallback;
}

bool RuleNode::boolean(bool fallback) const {
  const std::string value = text();
  if (value == "true" || value == "false") return value == "true";
  if (!value.empty()) refuse("is " + shown(), "write true or false");
  return fallback;
}

std::vector<std::string> RuleNode::texts() const {
  std::vector<std::string> list;
  for (const RuleNode& element : elements()) {
    std::string value = element.requiredText();
    if (!value.empty()) list.push_back(std::move(value));
  }
  return list;
}

}  // namespace tutti::routing
