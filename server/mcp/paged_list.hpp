// A list that is served in pages: bytes that are made once for each revision.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/mcp/revision.hpp"

namespace tutti::mcp {

/// One page of a list.
struct Page {
  std::string_view entries;  ///< a JSON array; valid until the list changes
  std::string next_cursor;   ///< empty on the last page
};

/// Runs on the I/O thread only.
class PagedList {
 public:
  /// Appends entry number `index` as `revision` has it.
  using Append = std::function<void(std::string& to, std::size_t index, Revision revision)>;

  explicit PagedList(std::size_t page_max) : page_max_(page_max) {}

  /// The entries are other ones now.
  void clear();
  /// The page that `cursor` names, the first one for an empty cursor. Nothing when no page has that
  /// cursor: a cursor names the list it came from, so one from before a change is refused, and one
  /// from another process with the same list is good.
  std::optional<Page> page(Revision revision, std::string_view cursor, std::size_t count,
                           const Append& append);

 private:
  struct Pages {
    std::vector<std::string> bytes;
    std::string stamp;  ///< of all the bytes
  };
  const Pages& pagesOf(Revision revision, std::size_t count, const Append& append);

  const std::size_t page_max_;
  std::array<Pages, kRevisionCount> pages_;
};

}  // namespace tutti::mcp
