#include "server/agents/blueprint_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>
#include <algorithm>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/base/text.hpp"

namespace tutti::agents {
namespace {

/// Thrown out of the parser to stop it: its recursion ends only that way.
struct Refused {
  Error error;
};

/// Builds JSON from the parser's events. Anchors and aliases are refused, so the result is never
/// larger than the text.
class JsonHandler : public YAML::EventHandler {
 public:
  using Lines = std::map<std::string, int, std::less<>>;
  /// `lines`, if any, receives the line of each value.
  JsonHandler(const YamlLimits& limits, std::string subject, Lines* lines)
      : limits_(limits), subject_(std::move(subject)), lines_(lines) {}
  Json take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark, anchor);
    add(Json());
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { begin(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(mark, anchor);
    const bool is_null = tag == "?" && (value == "null" || value == "~");
    add(is_null ? Json() : Json(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, anchor);
    open(Json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, anchor);
    open(Json::object());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Json value;
    std::optional<std::string> key;  ///< of the value that comes next in a mapping
    std::string path;                ///< of the value itself, if lines are wanted
  };

  /// Before each value, and each key.
  void begin(const YAML::Mark& mark, YAML::anchor_t anchor) {
    line_ = mark.line + 1;
    if (anchor != 0)
      refuse(Code::InvalidArgument, subject_ + " uses an anchor or an alias (& or *)",
             "write the value out, or put it in quotes");
    if (lines_ == nullptr || levels_.empty()) return;
    const Level& level = levels_.back();
    if (!level.value.is_array() && !level.key) {
      key_line_ = line_;
      return;
    }
    const bool is_element = level.value.is_array();
    path_ = is_element ? level.path + "[" + std::to_string(level.value.size()) + "]"
                       : level.path + (level.path.empty() ? "" : ".") + *level.key;
    paths_bytes_ += path_.size();
    if (paths_bytes_ > limits_.paths_bytes_max)
      refuse(Code::ResourceExhausted,
             subject_ + " has keys too long for what is below them: paths_bytes_max is " +
                 std::to_string(limits_.paths_bytes_max),
             "write shorter keys");
    lines_->insert_or_assign(path_, is_element ? line_ : key_line_);
  }
  [[noreturn]] void refuse(Code code, std::string message, std::string hint = {}) const {
    throw Refused{
        Error(code, std::move(message), std::move(hint)).withDetails(std::to_string(line_))};
  }
  void open(Json value) {
    if (levels_.size() >= limits_.depth_max)
      refuse(Code::ResourceExhausted,
             subject_ + " is nested deeper than " + std::to_string(limits_.depth_max) + " levels");
    levels_.push_back({std::move(value), std::nullopt, levels_.empty() ? std::string() : path_});
  }
  void close() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    add(std::move(value));
  }
  void add(Json value) {
    if (++nodes_ > limits_.nodes_max)
      refuse(Code::ResourceExhausted,
             subject_ + " has more than " + std::to_string(limits_.nodes_max) + " values");
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (levels_.back().value.is_array()) {
      levels_.back().value.push_back(std::move(value));
    } else {
      addToMapping(levels_.back(), std::move(value));
    }
  }
  void addToMapping(Level& level, Json value) const {
    if (!level.key) {
      if (!value.is_string()) refuse(Code::InvalidArgument, "a key of " + subject_ + " is no text");
      level.key = value.get<std::string>();
      if (level.value.contains(*level.key))
        refuse(Code::InvalidArgument, "'" + shortened(*level.key, 60) + "' is given twice");
      return;
    }
    level.value[*level.key] = std::move(value);
    level.key.reset();
  }

  const YamlLimits limits_;
  const std::string subject_;
  Lines* const lines_;
  int line_ = 0, key_line_ = 0;
  std::string path_;  ///< of the value that begins
  std::size_t paths_bytes_ = 0;
  Json root_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
};

struct Reading {
  std::string subject = "the front matter";
  JsonHandler::Lines* lines = nullptr;
};

Result<Json> parseStrictly(const std::string& text, const YamlLimits& limits,
                           const Reading& reading = {}) {
  std::istringstream input(text);
  JsonHandler handler(limits, reading.subject, reading.lines);
  try {
    YAML::Parser parser(input);
    parser.HandleNextDocument(handler);
    JsonHandler more(limits, reading.subject, nullptr);
    if (reading.lines != nullptr && parser.HandleNextDocument(more))
      return Error(Code::InvalidArgument, reading.subject + " holds a second document",
                   "put what follows '---' in a file of its own");
  } catch (Refused& refused) {
    return std::move(refused.error);
  } catch (const YAML::Exception& exception) {
    const std::string line = std::to_string(exception.mark.line + 1);
    return Error(Code::InvalidArgument, reading.subject + " is no YAML in its line " + line,
                 "put a value that holds ': ' or '#' in quotes")
        .withDetails(line)
        .named("invalid_yaml");
  }
  Json root = handler.take();
  if (root.is_null()) root = Json::object();
  if (!root.is_object())
    return Error(Code::InvalidArgument, reading.subject + " must be \"key: value\" lines");
  return root;
}

/// Is `line` a top-level "key: value" with a plain value, one that only its author's good luck
/// decides whether YAML can read?
bool hasPlainValue(std::string_view line, std::size_t& value_at) {
  std::size_t at = 0;
  while (at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) != 0 ||
                              line[at] == '_' || line[at] == '-'))
    ++at;
  if (at == 0 || at >= line.size() || line[at] != ':') return false;
  value_at = line.find_first_not_of(" \t", at + 1);
  if (value_at == std::string_view::npos || value_at == at + 1) return false;
  return std::string_view("\"'[{|>&*!").find(line[value_at]) == std::string_view::npos;
}

/// `text` with each plain top-level value in quotes.
std::string withValuesQuoted(std::string_view text) {
  std::string quoted;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::size_t value_at = 0;
    if (hasPlainValue(line, value_at)) {
      quoted.append(line.substr(0, value_at)).push_back('\'');
      for (const char c : line.substr(value_at)) quoted.append(c == '\'' ? 2U : 1U, c);
      quoted.push_back('\'');
    } else {
      quoted.append(line);
    }
    quoted.push_back('\n');
  }
  return quoted;
}
}  // namespace

Result<Json> parseYamlMapping(std::string_view text, YamlLimits limits) {
  if (text.size() > limits.bytes_max)
    return Error(Code::ResourceExhausted,
                 "the front matter is larger than " + std::to_string(limits.bytes_max) + " bytes");
  Result<Json> strict = parseStrictly(std::string(text), limits);
  if (strict.ok() || strict.error().name() != "invalid_yaml") return strict;
  Result<Json> lenient = parseStrictly(withValuesQuoted(text), limits);
  return lenient.ok() ? std::move(lenient) : std::move(strict);
}

Result<YamlDocument> parseYamlDocument(std::string_view text, YamlLimits limits) {
  if (text.size() > limits.bytes_max)
    return Error(Code::ResourceExhausted,
                 "the file is larger than " + std::to_string(limits.bytes_max) + " bytes");
  YamlDocument document;
  Result<Json> value = parseStrictly(std::string(text), limits, {"the file", &document.lines});
  if (!value.ok()) return std::move(value).error();
  document.value = std::move(*value);
  return document;
}

Result<FrontMatter> splitFrontMatter(std::string_view text) {
  const auto isDashes = [](std::string_view line) {
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    return line == "---";
  };
  std::size_t line_at = text.find('\n');
  if (line_at == std::string_view::npos || !isDashes(text.substr(0, line_at)))
    return Error(Code::InvalidArgument, "the file does not begin with front matter",
                 "begin it with a line '---', then name and description, then a line '---'");
  const std::size_t front_at = ++line_at;
  while (line_at < text.size()) {
    const std::size_t end = std::min(text.find('\n', line_at), text.size());
    if (isDashes(text.substr(line_at, end - line_at)))
      return FrontMatter{text.substr(front_at, line_at - front_at),
                         end < text.size() ? text.substr(end + 1) : std::string_view()};
    line_at = end + 1;
  }
  return Error(Code::InvalidArgument, "the front matter does not end", "end it with a line '---'");
}

}  // namespace tutti::agents
