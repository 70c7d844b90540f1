// How the files below src become one. What the host gives is not among them: it is there when the component runs.
export default { external: [/^sockerless:/] };
