// Builds the tree while nlohmann's parser reports what it reads. Inner to server/json: includes
// nlohmann.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::json {

/// Why a text was refused.
enum class Refusal { Syntax, Utf8, Surrogate, Control, Escape, NumberRange, TooDeep, DuplicateKey };

/// nlohmann's own tree builder, plus a limit on nesting and no duplicate keys. Refusing stops the
/// parser at once, so a text of nothing but brackets costs as much as the limit. One use.
class TreeBuilder {
 public:
  TreeBuilder(Json& root, std::size_t depth_max) : root_(root), depth_max_(depth_max) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(std::size_t) { return open(Json::value_t::object); }
  bool start_array(std::size_t) { return open(Json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    auto& members = *open_.back()->get_ptr<Json::object_t*>();
    const auto [place, added] = members.try_emplace(std::move(name));
    member_ = &place->second;
    if (added) return true;
    duplicate_ = place->first;
    return refuse(Refusal::DuplicateKey);
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& problem) {
    offset_ = position == 0 ? 0 : position - 1;
    return refuse(classify(problem));
  }

  Refusal refusal() const { return refusal_; }
  /// The byte at which the text stopped being JSON. Not known for TooDeep and DuplicateKey.
  std::size_t offset() const { return offset_; }
  /// The key that came twice.
  const std::string& duplicate() const { return duplicate_; }

 private:
  template <class Value>
  Json* place(Value&& value) {
    if (open_.empty()) {
      root_ = Json(std::forward<Value>(value));
      return &root_;
    }
    if (auto* items = open_.back()->get_ptr<Json::array_t*>())
      return &items->emplace_back(std::forward<Value>(value));
    *member_ = Json(std::forward<Value>(value));
    return member_;
  }
  template <class Value>
  bool add(Value&& value) {
    place(std::forward<Value>(value));
    return true;
  }
  bool open(Json::value_t type) {
    if (open_.size() >= depth_max_) return refuse(Refusal::TooDeep);
    open_.push_back(place(type));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(Refusal why) {
    refusal_ = why;
    return false;
  }

  static Refusal classify(const Json::exception& problem) {
    constexpr int kNumberOverflow = 406;
    if (problem.id == kNumberOverflow) return Refusal::NumberRange;
    const std::string_view text = problem.what();
    const auto says = [text](std::string_view part) { return text.find(part) != text.npos; };
    if (says("ill-formed UTF-8")) return Refusal::Utf8;
    if (says("surrogate")) return Refusal::Surrogate;
    if (says("control character")) return Refusal::Control;
    if (says("forbidden character after backslash") || says("must be followed by 4 hex"))
      return Refusal::Escape;
    return Refusal::Syntax;
  }

  Json& root_;
  const std::size_t depth_max_;
  std::vector<Json*> open_;  // the containers not yet closed, outermost first
  Json* member_ = nullptr;   // where the value after a key goes
  Refusal refusal_ = Refusal::Syntax;
  std::size_t offset_ = 0;
  std::string duplicate_;
};

}  // namespace tutti::json
