// A value of a rule file with its place: every reader says what is wrong, where. Inner to this
// folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/agents/blueprint_yaml.hpp"
#include "server/json/json.hpp"
#include "server/routing/rules.hpp"

namespace tutti::routing {

/// The file that nodes are of, and what was wrong in it so far.
struct RuleSource {
  std::string source;
  agents::YamlDocument document;
  std::vector<RuleProblem> problems;
};

/// Scalars of YAML are text; what a field means is said by the reader that is called. A reader that
/// refuses returns its fallback, so that one pass finds everything. Views into its RuleSource.
class RuleNode {
 public:
  explicit RuleNode(RuleSource& source);

  const std::string& field() const { return field_; }
  int line() const;
  bool isNull() const;
  bool isList() const;
  bool isMapping() const;

  /// The member, null when it is absent or this is no mapping.
  RuleNode member(std::string_view key) const;
  /// The elements of a list; refuses what is none. Absent: none.
  std::vector<RuleNode> elements() const;
  /// Name and value of each member; refuses what is no mapping. Absent: none.
  std::vector<std::pair<std::string, RuleNode>> members() const;
  /// Refuses members that are not in `known`, with the nearest.
  void allowOnly(std::span<const std::string_view> known) const;

  /// "" when absent.
  std::string text() const;
  /// Also refuses an absent or empty one.
  std::string requiredText() const;
  /// Refuses a text that is not in `words`; returns its index, 0 when absent or refused.
  std::size_t word(std::span<const std::string_view> words) const;
  struct Range {
    double least, most;
  };
  double number(double fallback, Range range) const;
  int integer(int fallback, Range range) const;
  bool boolean(bool fallback) const;
  /// A list of texts, none of them empty.
  std::vector<std::string> texts() const;
  void refuse(std::string message, std::string hint = {}) const;

 private:
  RuleNode(RuleSource& source, const Json* value, std::string field);
  std::string shown() const;

  RuleSource* source_;
  const Json* value_;  ///< or nullptr
  std::string field_;
};

}  // namespace tutti::routing
