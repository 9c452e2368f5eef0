// Keeping an idle run-host small: there may be hundreds of them.
#pragma once

namespace tutti::runner {

/// Gives back what start-up and the last turn have touched: pages of code and constants, which the
/// kernel brings in again one by one when they are needed, and freed heap.
void shrinkFootprint();

}  // namespace tutti::runner
