#include "server/mcp/paged_list.hpp"

#include <charconv>

namespace tutti::mcp {
namespace {

std::string stampOf(const std::vector<std::string>& pages) {
  std::size_t hash = 0;
  for (const std::string& page : pages) hash = hash * 31 + std::hash<std::string>{}(page);
  return std::to_string(hash % 1'000'000'007U);
}

std::string cursorOf(std::size_t page, std::string_view stamp) {
  return "p" + std::to_string(page) + "-" + std::string(stamp);
}

}  // namespace

void PagedList::clear() {
  for (Pages& pages : pages_) pages = {};
}

const PagedList::Pages& PagedList::pagesOf(Revision revision, std::size_t count,
                                           const Append& append) {
  Pages& pages = pages_[static_cast<std::size_t>(revision)];
  if (!pages.bytes.empty()) return pages;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % page_max_ == 0)
      pages.bytes.emplace_back("[");
    else
      pages.bytes.back() += ',';
    append(pages.bytes.back(), i, revision);
  }
  if (pages.bytes.empty()) pages.bytes.emplace_back("[");
  for (std::string& page : pages.bytes) page += ']';
  pages.stamp = stampOf(pages.bytes);
  return pages;
}

std::optional<Page> PagedList::page(Revision revision, std::string_view cursor, std::size_t count,
                                    const Append& append) {
  const Pages& pages = pagesOf(revision, count, append);
  std::size_t index = 0;
  if (!cursor.empty()) {
    const char* first = cursor.data() + 1;
    const auto read = std::from_chars(first, cursor.data() + cursor.size(), index);
    if (read.ec != std::errc{} || index >= pages.bytes.size() ||
        cursor != cursorOf(index, pages.stamp))
      return std::nullopt;
  }
  const bool last = index + 1 == pages.bytes.size();
  return Page{pages.bytes[index], last ? std::string() : cursorOf(index + 1, pages.stamp)};
}

}  // namespace tutti::mcp
