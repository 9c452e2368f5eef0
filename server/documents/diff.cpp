// Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the furthest-reaching paths
// with 0, 1, 2 … differences, each step kept for the way back.
#include "server/documents/diff.hpp"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace tutti::documents {
namespace {
using Lines = std::vector<std::string_view>;

/// With their ends, so that the last line without one differs from one that has it.
Lines linesOf(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

/// Which lines go, which come; all others are the same in both, in order.
struct Marks {
  std::vector<bool> removed;
  std::vector<bool> added;
};

/// The lines between what both have at the start and at the end, as numbers: equal lines, equal
/// numbers.
struct Middle {
  std::size_t start = 0;
  std::vector<int> a;
  std::vector<int> b;
};

Middle middleOf(const Lines& a, const Lines& b) {
  Middle middle;
  const std::size_t shorter = std::min(a.size(), b.size());
  while (middle.start < shorter && a[middle.start] == b[middle.start]) ++middle.start;
  std::size_t same_end = 0;
  while (same_end < shorter - middle.start &&
         a[a.size() - 1 - same_end] == b[b.size() - 1 - same_end])
    ++same_end;
  std::unordered_map<std::string_view, int> numbers;
  const auto number = [&](const Lines& lines, std::vector<int>& to) {
    for (std::size_t i = middle.start; i < lines.size() - same_end; ++i)
      to.push_back(numbers.try_emplace(lines[i], static_cast<int>(numbers.size())).first->second);
  };
  number(a, middle.a);
  number(b, middle.b);
  return middle;
}

/// One step's furthest x on each diagonal -d, -d+2 … d.
using Reach = std::vector<int>;

int reached(const Reach& reach, int d, int k) {
  return reach[static_cast<std::size_t>((k + d) / 2)];
}

/// Where step `d` comes from on diagonal `k`: by an added line (from k + 1) or a removed one.
bool comesDown(const Reach& before, int d, int k) {
  return k == -d || (k != d && reached(before, d - 1, k - 1) < reached(before, d - 1, k + 1));
}

int sizeOf(const std::vector<int>& lines) {
  return static_cast<int>(lines.size());
}

/// The steps up to the one that reaches both ends; empty when there are more than `most`.
std::vector<Reach> stepsOf(const Middle& middle, std::int64_t most) {
  std::vector<Reach> steps;
  const int n = sizeOf(middle.a);
  const int m = sizeOf(middle.b);
  for (int d = 0; d <= most; ++d) {
    Reach reach(static_cast<std::size_t>(d) + 1);
    for (int k = -d; k <= d; k += 2) {
      int x = 0;
      if (d > 0)
        x = comesDown(steps.back(), d, k) ? reached(steps.back(), d - 1, k + 1)
                                          : reached(steps.back(), d - 1, k - 1) + 1;
      // A diagonal may leave the square: nothing is equal there.
      while (x < n && x - k < m && x - k >= 0 &&
             middle.a[static_cast<std::size_t>(x)] == middle.b[static_cast<std::size_t>(x - k)])
        ++x;
      reach[static_cast<std::size_t>((k + d) / 2)] = x;
      if (x >= n && x - k >= m && x == n && x - k == m) {
        steps.push_back(std::move(reach));
        return steps;
      }
    }
    steps.push_back(std::move(reach));
  }
  return {};
}

/// Goes back from both ends and marks what each step changed.
void markSteps(const Middle& middle, const std::vector<Reach>& steps, Marks& marks) {
  int x = sizeOf(middle.a);
  int y = sizeOf(middle.b);
  for (int d = static_cast<int>(steps.size()) - 1; d > 0; --d) {
    const int k = x - y;
    const Reach& before = steps[static_cast<std::size_t>(d) - 1];
    const bool down = comesDown(before, d, k);
    const int from_k = down ? k + 1 : k - 1;
    x = reached(before, d - 1, from_k);
    y = x - from_k;
    const int at = down ? y : x;
    (down ? marks.added : marks.removed)[middle.start + static_cast<std::size_t>(at)] = true;
  }
}

Marks compare(const Lines& a, const Lines& b, std::int64_t most) {
  Marks marks{std::vector<bool>(a.size()), std::vector<bool>(b.size())};
  const Middle middle = middleOf(a, b);
  const auto all = [&](std::vector<bool>& to, std::size_t count) {
    std::fill_n(to.begin() + static_cast<std::ptrdiff_t>(middle.start), count, true);
  };
  const bool one_sided = middle.a.empty() || middle.b.empty();
  const std::vector<Reach> steps = one_sided ? std::vector<Reach>() : stepsOf(middle, most);
  if (steps.empty()) {
    all(marks.removed, middle.a.size());
    all(marks.added, middle.b.size());
  } else {
    markSteps(middle, steps, marks);
  }
  return marks;
}

/// Writes `diff -u`'s form.
class Unified {
 public:
  Unified(const Lines& a, const Lines& b, const Marks& marks, const DiffOptions& options)
      : a_(a), b_(b), marks_(marks), context_(static_cast<std::size_t>(options.context_lines)) {
    if (context_ > a.size() + b.size()) context_ = a.size() + b.size();
  }

  void write(Diff& diff) {
    while (toNextChange()) hunk(diff);
  }

 private:
  bool changedAt(std::size_t i, std::size_t j) const {
    return (i < a_.size() && marks_.removed[i]) || (j < b_.size() && marks_.added[j]);
  }
  bool toNextChange() {
    while (i_ < a_.size() && j_ < b_.size() && !changedAt(i_, j_)) ++i_, ++j_;
    return i_ < a_.size() || j_ < b_.size();
  }
  /// How many equal lines come next, up to twice the context and one.
  std::size_t equalAhead() const {
    std::size_t count = 0;
    while (i_ + count < a_.size() && j_ + count < b_.size() && count <= 2 * context_ &&
           !changedAt(i_ + count, j_ + count))
      ++count;
    return count;
  }
  void put(char mark, std::string_view line) {
    body_.push_back(mark);
    body_.append(line);
    if (line.empty() || line.back() != '\n') body_.append("\n\\ No newline at end of file\n");
  }
  void changes(Diff& diff) {
    while (i_ < a_.size() && marks_.removed[i_]) {
      put('-', a_[i_++]);
      ++diff.lines_removed;
    }
    while (j_ < b_.size() && marks_.added[j_]) {
      put('+', b_[j_++]);
      ++diff.lines_added;
    }
  }
  void equal(std::size_t count) {
    for (; count > 0; --count, ++i_, ++j_) put(' ', a_[i_]);
  }
  static std::string range(std::size_t start, std::size_t end) {
    const std::size_t count = end - start;
    const std::string first = std::to_string(count == 0 ? start : start + 1);
    return count == 1 ? first : first + "," + std::to_string(count);
  }
  void hunk(Diff& diff) {
    body_.clear();
    const std::size_t lead = std::min(context_, std::min(i_, j_) - std::min(done_, i_));
    i_ -= lead;
    j_ -= lead;
    const std::size_t a_start = i_;
    const std::size_t b_start = j_;
    equal(lead);
    for (;;) {
      changes(diff);
      const std::size_t ahead = equalAhead();
      const bool more = changedAt(i_ + ahead, j_ + ahead) && ahead <= 2 * context_;
      equal(more ? ahead : std::min(ahead, context_));
      if (!more) break;
    }
    done_ = i_;
    diff.unified += "@@ -" + range(a_start, i_) + " +" + range(b_start, j_) + " @@\n" + body_;
  }

  const Lines& a_;
  const Lines& b_;
  const Marks& marks_;
  std::size_t context_;
  std::size_t i_ = 0;
  std::size_t j_ = 0;
  std::size_t done_ = 0;  ///< lines of a_ that are in a hunk already
  std::string body_;
};
}  // namespace

Result<Diff> diffTexts(std::string_view old_text, std::string_view new_text,
                       const DiffOptions& options) {
  if (std::max(old_text.size(), new_text.size()) > options.bytes_max)
    return Error(Code::ResourceExhausted,
                 "a version has more than the " + std::to_string(options.bytes_max) +
                     " bytes that can be compared",
                 "pull both and compare them with a tool of yours")
        .named("diff_bytes_max");
  Diff diff;
  if (old_text == new_text) return diff;
  const Lines a = linesOf(old_text);
  const Lines b = linesOf(new_text);
  const Marks marks = compare(a, b, options.differences_max);
  diff.unified = "--- " + options.old_name + "\n+++ " + options.new_name + "\n";
  Unified(a, b, marks, options).write(diff);
  return diff;
}

}  // namespace tutti::documents
