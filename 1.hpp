explicit Mixture(Dataset& d)
    : obs(d.dim("obs")), state(d.dim("state", d.option("K", 2))), y(d.real("y", obs)) {}
