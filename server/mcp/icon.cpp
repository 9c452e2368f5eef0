#include "server/mcp/icon.hpp"

#include <algorithm>
#include <string_view>

#include "server/base/text.hpp"
#include "server/mcp/json_members.hpp"

namespace tutti::mcp {
namespace {

constexpr std::size_t kIconsMax = 16;
constexpr std::size_t kSourceBytesMax = 64U * 1024;
constexpr std::size_t kMimeTypeBytesMax = 128;
constexpr std::size_t kDigitsMax = 5;

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return low;
}

/// Clients load icons: any other scheme could run a script or read a file of the user's.
bool isSource(std::string_view src) {
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kData = "data:image/";
  if (src.size() > kSourceBytesMax) return false;
  if (!std::all_of(src.begin(), src.end(), [](char c) { return c > ' ' && c < 0x7F; }))
    return false;
  const std::string scheme = lowered(src.substr(0, kData.size()));
  if (scheme.starts_with(kHttps)) return src.size() > kHttps.size();
  return scheme == kData && src.find(',') != src.npos;
}

bool isMimeType(std::string_view type) {
  if (type.empty()) return true;
  constexpr std::string_view kImage = "image/";
  return type.size() > kImage.size() && type.size() <= kMimeTypeBytesMax &&
         lowered(type).starts_with(kImage) &&
         std::all_of(type.begin(), type.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool isLength(std::string_view text) {
  return !text.empty() && text.size() <= kDigitsMax && text.front() != '0' &&
         text.find_first_not_of("0123456789") == text.npos;
}

/// `48x48`, or `any`.
bool isSize(std::string_view size) {
  if (size == "any") return true;
  const auto cross = size.find('x');
  return cross != size.npos && isLength(size.substr(0, cross)) && isLength(size.substr(cross + 1));
}

std::string_view themeName(IconTheme theme) {
  switch (theme) {
    case IconTheme::Any:
      return "";
    case IconTheme::Light:
      return "light";
    case IconTheme::Dark:
      return "dark";
  }
  return "";
}

Error invalid(std::size_t number, std::string_view what) {
  return Error(Code::InvalidArgument, "icon " + std::to_string(number) + ": " + std::string(what))
      .named("invalid_icon");
}

}  // namespace

Status check(const std::vector<Icon>& icons) {
  if (icons.size() > kIconsMax) return invalid(kIconsMax + 1, "one thing has at most 16");
  for (std::size_t i = 0; i < icons.size(); ++i) {
    const Icon& icon = icons[i];
    if (!isSource(icon.src))
      return invalid(i + 1,
                     "src must be an https: URI, or a data: URI of an image, of at most "
                     "64 KiB");
    if (!isMimeType(icon.mime_type)) return invalid(i + 1, "mimeType must be image/…");
    if (!std::all_of(icon.sizes.begin(), icon.sizes.end(), isSize))
      return invalid(i + 1, "a size is 48x48 or any");
  }
  return ok();
}

void appendIcons(std::string& to, const std::vector<Icon>& icons, Revision revision) {
  if (icons.empty() || !hasIcons(revision)) return;
  to += ",\"icons\":[";
  for (const Icon& icon : icons) {
    to += to.back() == '[' ? "{" : ",{";
    appendTextMember(to, "src", icon.src);
    appendTextMember(to, "mimeType", icon.mime_type);
    if (!icon.sizes.empty()) {
      to += ",\"sizes\":[";
      for (const std::string& size : icon.sizes) {
        if (to.back() != '[') to += ',';
        appendJsonString(to, size);
      }
      to += ']';
    }
    appendTextMember(to, "theme", themeName(icon.theme));
    to += '}';
  }
  to += ']';
}

}  // namespace tutti::mcp
