#include "server/json/schema/equal.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "server/json/schema/number.hpp"

namespace tutti::json::schema {
namespace {
using Pair = std::pair<const Json*, const Json*>;

constexpr int kHashDepth = 128;
constexpr std::size_t kPairwiseMax = 8;  // fewer items are compared each with each

bool sameScalar(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return compareNumbers(a, b) == 0;
  if (a.type() != b.type()) return false;
  if (const auto* text = a.get_ptr<const Json::string_t*>())
    return *text == *b.get_ptr<const Json::string_t*>();
  if (const auto* flag = a.get_ptr<const Json::boolean_t*>())
    return *flag == *b.get_ptr<const Json::boolean_t*>();
  return a.is_null();
}

/// Queues the children of two containers for comparison. False when they differ already.
bool pushChildren(const Json& a, const Json& b, std::vector<Pair>& open) {
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (const auto* items = a.get_ptr<const Json::array_t*>()) {
    const auto& others = *b.get_ptr<const Json::array_t*>();
    for (std::size_t i = 0; i < items->size(); ++i) open.emplace_back(&(*items)[i], &others[i]);
    return true;
  }
  auto other = b.get_ptr<const Json::object_t*>()->begin();
  for (const auto& [name, member] : *a.get_ptr<const Json::object_t*>()) {
    if (name != other->first) return false;
    open.emplace_back(&member, &other->second);
    ++other;
  }
  return true;
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xFF51AFD7ED558CCDULL;
}

std::uint64_t hashNumber(const Json& number) {
  constexpr double kWholeMax = 18446744073709551616.0;  // 2^64
  const auto* value = number.get_ptr<const Json::number_float_t*>();
  if (value == nullptr) return number.get<std::uint64_t>();
  if (std::trunc(*value) != *value || std::fabs(*value) >= kWholeMax)
    return std::hash<double>()(*value);
  const auto size = static_cast<std::uint64_t>(std::fabs(*value));  // as the equal integer's bits
  return *value < 0 ? 0 - size : size;
}

std::uint64_t hashLevel(const Json& value, int depth) {
  const auto kind = value.is_number() ? Json::value_t::number_float : value.type();
  std::uint64_t hash = mixed(0, static_cast<std::uint64_t>(kind));
  if (value.is_number()) return mixed(hash, hashNumber(value));
  if (const auto* text = value.get_ptr<const Json::string_t*>())
    return mixed(hash, std::hash<std::string>()(*text));
  if (const auto* flag = value.get_ptr<const Json::boolean_t*>()) return mixed(hash, *flag ? 1 : 2);
  if (!value.is_structured()) return hash;
  hash = mixed(hash, value.size());
  if (depth == 0) return hash;
  if (const auto* items = value.get_ptr<const Json::array_t*>()) {
    for (const Json& item : *items) hash = mixed(hash, hashLevel(item, depth - 1));
    return hash;
  }
  for (const auto& [name, member] : *value.get_ptr<const Json::object_t*>()) {
    hash = mixed(hash, std::hash<std::string>()(name));
    hash = mixed(hash, hashLevel(member, depth - 1));
  }
  return hash;
}
}  // namespace

bool isEqual(const Json& a, const Json& b) {
  if (!a.is_structured() || !b.is_structured()) return sameScalar(a, b);
  std::vector<Pair> open{{&a, &b}};
  while (!open.empty()) {
    const auto [left, right] = open.back();
    open.pop_back();
    if (left->is_structured() && right->is_structured()) {
      if (!pushChildren(*left, *right, open)) return false;
    } else if (!sameScalar(*left, *right)) {
      return false;
    }
  }
  return true;
}

std::uint64_t hashOf(const Json& value) {
  return hashLevel(value, kHashDepth);
}

bool isDeeperThan(const Json& value, std::size_t depth) {
  std::vector<std::pair<const Json*, std::size_t>> open{{&value, 0}};
  while (!open.empty()) {
    const auto [next, level] = open.back();
    open.pop_back();
    if (!next->is_structured()) continue;
    if (level == depth) return true;
    for (const Json& part : *next) open.emplace_back(&part, level + 1);
  }
  return false;
}

bool isUnique(const Json& array) {
  const auto& items = *array.get_ptr<const Json::array_t*>();
  if (items.size() <= kPairwiseMax) {
    for (std::size_t i = 0; i < items.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (isEqual(items[i], items[j])) return false;
    return true;
  }
  std::vector<std::pair<std::uint64_t, const Json*>> hashed;
  hashed.reserve(items.size());
  for (const Json& item : items) hashed.emplace_back(hashOf(item), &item);
  std::sort(hashed.begin(), hashed.end());
  for (std::size_t i = 1; i < hashed.size(); ++i)
    for (std::size_t j = i; j-- > 0 && hashed[j].first == hashed[i].first;)
      if (isEqual(*hashed[i].second, *hashed[j].second)) return false;
  return true;
}

}  // namespace tutti::json::schema
