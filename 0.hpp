#include "lockstep/model.hpp"

using namespace lockstep;

struct Slopes {
  Dim house, county;                                   // named dimensions
  GroupIndex county_of;                                // 1-based in the data, bounds-checked
  Real x, y;                                           // vectors of numbers

  explicit Slopes(Dataset& d)                          // binds fields by name; runs twice, so no side effects
      : house(d.dim("house")), county(d.dim("county")), county_of(d.index("county_of", house, county)),
        x(d.real("x", house)), y(d.real("y", house)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mean = m.param("mean", normal(0, 5));         // a number
    auto spread = m.param("spread", half_normal(1));   // positive, because its prior is
    auto z = m.param("z", normal(0, 1), county);       // one per county
    auto sigma = m.param("sigma", exponential(1));
    auto slope = m.let("slope", county, [&](auto c) { return mean + spread * z[c]; });
    m.observe("y", y, house, [&](auto i) { return normal(slope[county_of[i]] * x[i], sigma); });
  }
};
