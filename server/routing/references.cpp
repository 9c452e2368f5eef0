#include "server/routing/references.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "server/base/text.hpp"
#include "server/routing/characters.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kReferenceBytesMax = 512;

struct Guess {
  ReferenceKind kind;
  double confidence;
  std::string rule;
};

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}
bool isLetter(char c) {
  const auto low = static_cast<unsigned char>(static_cast<unsigned char>(c) | 0x20U);
  return low >= 'a' && low <= 'z';
}

std::string lowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

bool parts(std::uint32_t code) {
  constexpr std::string_view kParting = " \t\r\n\v\f\"`<>()[]{},;|";
  return code < 0x80 ? code < 0x20 || kParting.find(static_cast<char>(code)) != kParting.npos
                     : code == 0xA0 || (code >= 0x2000 && code <= 0x200B) ||
                           (code >= 0x2018 && code <= 0x201F) || code == 0x3002;
}

bool isUrl(std::string_view word) {
  const std::size_t at = word.find("://");
  if (at == std::string_view::npos) return word.starts_with("www.") && word.size() > 4;
  return at > 0 && at + 3 < word.size() &&
         std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(at),
                     [](char c) { return isLetter(c) || isDigit(c) || c == '+'; });
}

bool isIpv4(std::string_view word) {
  for (int part = 0; part < 4; ++part) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || number > 255) return false;
    word.remove_prefix(static_cast<std::size_t>(end - word.data()));
    if (part == 3) break;
    if (!word.starts_with('.')) return false;
    word.remove_prefix(1);
  }
  return word.empty() || word.front() == '/';
}

/// "edge01" and "edge-01" as "edge#": a host of a numbered row.
std::string numberedForm(std::string_view host) {
  const std::size_t size = host.size();
  while (!host.empty() && isDigit(host.back())) host.remove_suffix(1);
  if (host.size() == size || host.empty()) return {};
  if (host.back() == '-' || host.back() == '_') host.remove_suffix(1);
  return std::string(host) + "#";
}

std::optional<Guess> asHost(std::string_view word, const Vocabulary& vocabulary) {
  if (const std::size_t at = word.rfind('@'); at != std::string_view::npos)
    word.remove_prefix(at + 1);
  const std::string_view host = word.substr(0, word.find(':'));
  if (vocabulary.hosts.contains(host)) return Guess{ReferenceKind::Host, 1, "hosts: "};
  if (vocabulary.hosts.contains(numberedForm(host)))
    return Guess{ReferenceKind::Host, 0.95, "hosts: "};
  if (isIpv4(host)) return Guess{ReferenceKind::Host, 0.95, "structure: an IPv4 address"};
  return std::nullopt;
}

std::string_view extensionOf(std::string_view word) {
  const std::string_view name = word.substr(word.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot + 1);
}

std::optional<Guess> asFile(std::string_view word, const Vocabulary& vocabulary) {
  constexpr std::string_view kRoots[] = {"/", "./", "../", "~/"};
  for (const std::string_view root : kRoots)
    if (word.starts_with(root) && word.size() > root.size())
      return Guess{ReferenceKind::File, 0.9, "structure: a path"};
  if (vocabulary.file_extensions.contains(extensionOf(word)))
    return Guess{ReferenceKind::File, 0.85, "file_extensions: ." + std::string(extensionOf(word))};
  if (word.size() > 2 && word.ends_with('/'))
    return Guess{ReferenceKind::File, 0.7, "structure: a folder"};
  return std::nullopt;
}

/// "registry.example.com": labels, the last of letters.
bool isDomainName(std::string_view word) {
  const std::size_t dot = word.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || word.size() - dot < 3) return false;
  const std::string_view last = word.substr(dot + 1);
  if (!std::all_of(last.begin(), last.end(), isLetter)) return false;
  return word.find("..") == std::string_view::npos &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return isLetter(c) || isDigit(c) || c == '-' || c == '.'; });
}

std::optional<Guess> guess(std::string_view word, const Vocabulary& vocabulary) {
  if (isUrl(word)) return Guess{ReferenceKind::Url, 1, "structure: a URL"};
  const std::string lower = lowerCase(word);
  if (std::optional<Guess> host = asHost(lower, vocabulary)) return host;
  if (std::optional<Guess> file = asFile(lower, vocabulary)) return file;
  // A sentence without a space after its full stop goes on with a capital.
  if (lower == word && isDomainName(word))
    return Guess{ReferenceKind::Host, 0.6, "structure: a domain name"};
  return std::nullopt;
}

struct Word {
  std::string_view text;
  std::size_t offset = 0;
  std::size_t length = 0;
};

/// Without the punctuation around it and without a genitive's "'s". Each is one character.
void trim(Word& word) {
  constexpr std::string_view kAround = ".:!?'*";
  while (!word.text.empty() && kAround.substr(1).find(word.text.front()) != kAround.npos) {
    word.text.remove_prefix(1);
    ++word.offset;
    --word.length;
  }
  const auto cut = [&](std::size_t size) {
    word.text.remove_suffix(size);
    word.length -= size;
  };
  while (!word.text.empty() && kAround.find(word.text.back()) != kAround.npos) cut(1);
  if (word.text.ends_with("'s")) cut(2);
}

class Collector {
 public:
  explicit Collector(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void add(Word word) {
    trim(word);
    if (word.text.size() < 2 || word.text.size() > kReferenceBytesMax ||
        found_.size() >= kReferencesMax)
      return;
    std::optional<Guess> what = guess(word.text, vocabulary_);
    if (!what) return;
    const std::string text = toValidUtf8(word.text);
    const bool known = std::any_of(found_.begin(), found_.end(), [&](const auto& finding) {
      return finding.value.text == text && finding.value.kind == what->kind;
    });
    if (known) return;
    if (what->rule.ends_with(' ')) what->rule += lowerCase(text);
    Finding<Reference> finding;
    finding.value = {what->kind, text};
    finding.confidence = what->confidence;
    finding.evidence.push_back({word.offset, word.length, shortened(text, 80),
                                std::move(what->rule), what->confidence, false});
    found_.push_back(std::move(finding));
  }
  std::vector<Finding<Reference>> take() { return std::move(found_); }

 private:
  const Vocabulary& vocabulary_;
  std::vector<Finding<Reference>> found_;
};
}  // namespace

std::vector<Finding<Reference>> referencesIn(std::string_view text, const Vocabulary& vocabulary) {
  Collector collector(vocabulary);
  std::size_t begin = 0, begin_offset = 0, offset = 0, at = 0;
  const auto finish = [&] {
    if (at > begin)
      collector.add({text.substr(begin, at - begin), begin_offset, offset - begin_offset});
  };
  while (at < text.size()) {
    const Character character = characterAt(text, at);
    if (parts(character.code)) {
      finish();
      begin = at + character.size;
      begin_offset = offset + 1;
    }
    at += character.size;
    ++offset;
  }
  finish();
  return collector.take();
}

}  // namespace tutti::routing
