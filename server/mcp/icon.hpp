// A picture that stands for something offered, in a client's list (SEP-973).
#pragma once

#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/revision.hpp"

namespace tutti::mcp {

/// The background that an icon is made for.
enum class IconTheme { Any, Light, Dark };

struct Icon {
  std::string src;                      ///< an https: or data: URI
  std::string mime_type = {};           ///< "image/…"; empty: as the source says
  std::vector<std::string> sizes = {};  ///< "48x48", or "any" of what scales
  IconTheme theme = IconTheme::Any;
};

/// Errors: InvalidArgument naming the icon's number and what is wrong with it. A source has at most
/// 64 KiB, one thing at most 16 icons: every list that shows it carries them.
Status check(const std::vector<Icon>& icons);
/// Appends the member `icons`; nothing when there are none or the revision has no icons.
void appendIcons(std::string& to, const std::vector<Icon>& icons, Revision revision);

}  // namespace tutti::mcp
